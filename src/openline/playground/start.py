"""Runs the playground from the command line."""

from __future__ import annotations

import asyncio
import errno
import signal
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlunsplit

from openline.hub.brokers.base import BrokerDown
from openline.hub.stores.base import StoreDown
from openline.playground.server import Playground


class CannotListen(Exception):
    """The playground's port or file is not to be had; the text says why and what to do, for the terminal."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the playground shows over TLS.

    Attributes:
        context: For the server.
        pem: The certificate that is in it.
    """

    context: ssl.SSLContext
    pem: bytes


def run(
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    names: tuple[str, ...] = (),
    data: Path | None = None,
    certificate: Certificate | None = None,
    announce: Callable[[str], object] = print,
) -> None:
    """Serve the playground until SIGINT or SIGTERM.

    Args:
        host: The address to listen on. An empty string: all of this machine's, so that others in the network may come.
        port: The TCP port; 0: any free one.
        names: Host names by which the server may be reached, besides addresses and localhost: a proxy's public name.
        data: The file that keeps what is said and written; made where it is missing. None: it is forgotten.
        certificate: For TLS; None: none.
        announce: Called once with the address of the page, when it can be opened.

    Raises:
        CannotListen: The port is taken, or the address is not this machine's; or the file cannot be used.
    """
    asyncio.run(_serve_until_stopped(host, port, names, data, certificate, announce))


async def _serve_until_stopped(
    host: str,
    port: int,
    names: tuple[str, ...],
    data: Path | None,
    certificate: Certificate | None,
    announce: Callable[[str], object],
) -> None:
    playground = Playground(
        (*names, host) if host else names,
        data=data,
        host=host or None,
        certificate=certificate and certificate.pem,
    )
    try:
        server = await playground.serve(host or None, port, certificate and certificate.context)
    except OSError as error:
        raise CannotListen(_explain(error, host, port)) from error
    except (BrokerDown, StoreDown) as error:
        raise CannotListen(f"Cannot use {data}: {error}") from error
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            loop.add_signal_handler(signal_number, stopped.set)
    async with server:
        real_port = next(iter(server.sockets)).getsockname()[1]
        announce(address_of(host, real_port, secure=certificate is not None))
        await stopped.wait()


def address_of(host: str, port: int, *, secure: bool = False) -> str:
    """Return the address of the page for a browser on this machine."""
    shown = "localhost" if host in {"", "0.0.0.0", "::"} else host
    where = f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"
    return urlunsplit(("https" if secure else "http", where, "/", "", ""))


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program. Choose another one: openline demo --port {port + 1}"
    if error.errno == errno.EACCES:
        return f"Port {port} is for the administrator alone. Choose one above 1023: openline demo --port 8000"
    return f"Cannot listen on {host or 'all addresses'}, port {port}: {error.strerror or error}"
