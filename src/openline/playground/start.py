"""Runs the playground from the command line."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlunsplit

from openline.playground.server import Playground


class CannotListen(Exception):
    """The playground's port is not to be had; the text says why and what to do, and is meant for the terminal."""


def run(
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    names: tuple[str, ...] = (),
    announce: Callable[[str], object] = print,
) -> None:
    """Serve the playground until SIGINT or SIGTERM.

    Args:
        host: The address to listen on. An empty string: all of this machine's, so that others in the network may come.
        port: The TCP port; 0: any free one.
        names: Host names by which the server may be reached, besides addresses and localhost: a proxy's public name.
        announce: Called once with the address of the page, when it can be opened.

    Raises:
        CannotListen: The port is taken, or the address is not this machine's.
    """
    asyncio.run(_serve_until_stopped(host, port, names, announce))


async def _serve_until_stopped(
    host: str, port: int, names: tuple[str, ...], announce: Callable[[str], object]
) -> None:
    playground = Playground((*names, host) if host else names)
    try:
        server = await playground.serve(host or None, port)
    except OSError as error:
        raise CannotListen(_explain(error, host, port)) from error
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            loop.add_signal_handler(signal_number, stopped.set)
    async with server:
        announce(_address(host, next(iter(server.sockets)).getsockname()[1]))
        await stopped.wait()


def _address(host: str, port: int) -> str:
    shown = "localhost" if host in {"", "0.0.0.0", "::"} else host
    return urlunsplit(("http", f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}", "/", "", ""))


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program. Choose another one: openline demo --port {port + 1}"
    if error.errno == errno.EACCES:
        return f"Port {port} is for the administrator alone. Choose one above 1023: openline demo --port 8000"
    return f"Cannot listen on {host or 'all addresses'}, port {port}: {error.strerror or error}"
