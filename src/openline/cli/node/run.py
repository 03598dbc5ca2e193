"""One node of a hub: from its configuration to a server that drains when it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from collections.abc import Callable
from typing import Any

import click

from openline import Server, serve
from openline.cli.node.announce import announcement
from openline.cli.node.options import NodeOptions
from openline.cli.server.options import StartFailed
from openline.cli.server.work import Work
from openline.cli.signals import on_signals
from openline.hub import BrokerDown, Hub
from openline.hub.brokers import open_broker
from openline.hub.config.build import build_hub, update_hub
from openline.hub.config.load import ConfigError
from openline.hub.config.records import HubConfig

__all__ = ["CLOSE_GRACE", "check", "run_alone", "serve_until", "work_of"]

CLOSE_GRACE = 10.0
"""Seconds for what comes after the drain: closing handshakes, and the broker's end."""

RETRY_AFTER = 1.0
"""Seconds between two attempts to reach the broker at the start."""

logger = logging.getLogger("openline.hub")


def tls_of(config: HubConfig) -> ssl.SSLContext | None:
    """Return the TLS settings; None: there is no TLS.

    Raises:
        StartFailed: the certificate or its key cannot be used.
    """
    server = config.server
    if server.certfile is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(server.certfile, server.keyfile)
    except ssl.SSLError as error:
        raise StartFailed(f"{server.certfile} holds no usable certificate and key: {error}") from None
    except OSError as error:
        raise StartFailed(f"certfile or keyfile: {error.strerror or error}") from None
    return context


def check(config: HubConfig) -> None:
    """Check what a configuration alone does not show.

    Raises:
        StartFailed: something cannot be.
    """
    tls_of(config)
    if config.server.workers == 1:
        return
    if not open_broker(config.broker.url, **config.broker.options).shared:
        kind = config.broker.url.partition("://")[0]
        raise StartFailed(
            f"the {kind} broker lives in one process: clients of one worker would not hear those of another. "
            "More than one worker needs Redis (broker.url)"
        )
    if not hasattr(socket, "SO_REUSEPORT"):
        raise StartFailed("several workers need SO_REUSEPORT, which this platform lacks")


async def _start(hub: Hub, wait: float) -> None:
    """Start a hub, and try again while its broker cannot be reached.

    Raises:
        StartFailed: the broker was not reached in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    said = False
    while True:
        try:
            await hub.start()
        except BrokerDown as error:
            left = deadline - loop.time()
            if left <= 0:
                raise StartFailed(f"the broker cannot be reached: {error}") from None
            if not said:
                logger.warning("the broker cannot be reached: %s; trying for %g s", error, wait)
                said = True
            await asyncio.sleep(min(RETRY_AFTER, left))
        except (OSError, ValueError) as error:
            raise StartFailed(f"the broker cannot be used: {error}") from None
        else:
            return


async def serve_until(
    stop: asyncio.Event,
    options: NodeOptions,
    ready: Callable[[HubConfig, list[Any]], None],
    *,
    reuse_port: bool = False,
) -> None:
    """Serve until ``stop`` is set; then drain, and close what is left.

    Args:
        stop: Set to end.
        options: What the command line said.
        ready: Called with the configuration and the addresses once they are listened on.
        reuse_port: Share the port with other processes.

    Raises:
        StartFailed: the configuration, the broker or the address cannot be used.

    Cancel: sessions are cut without a drain.
    """
    config = options.load_at_start()
    check(config)
    hub = build_hub(config)
    stopping = asyncio.ensure_future(stop.wait())
    starting = asyncio.ensure_future(_start(hub, config.server.wait_for_broker))
    try:
        await asyncio.wait({stopping, starting}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return
        starting.result()
        server = await _listen(hub, config, reuse_port)
        try:
            _reload_on_hangup(hub, options, config)
            ready(config, [one.getsockname() for one in server.sockets])
            await stopping
            logger.info("draining %d sessions", len(hub.sessions))
            await hub.drain()
        except asyncio.CancelledError:
            for ws in server.connections:
                ws.transport.abort()
            raise
        finally:
            server.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), CLOSE_GRACE)
    finally:
        stopping.cancel()
        starting.cancel()
        await asyncio.gather(stopping, starting, return_exceptions=True)
        await hub.close()


async def _listen(hub: Hub, config: HubConfig, reuse_port: bool) -> Server:
    host, port = config.server.host, config.server.port
    more: dict[str, Any] = {"reuse_port": True} if reuse_port else {}
    try:
        mount = hub.beside(None, prefix=config.server.prefix)
        return await serve(mount, host, port, ssl=tls_of(config), **more)
    except OSError as error:
        raise StartFailed(f"cannot listen on {host}:{port}: {error.strerror or error}") from None


def _reload_on_hangup(hub: Hub, options: NodeOptions, config: HubConfig) -> None:
    runs_by = config

    def reload() -> None:
        nonlocal runs_by
        try:
            new = options.load()
        except ConfigError as error:
            for problem in error.problems:
                logger.error("the configuration is not reloaded: %s", problem)
            return
        runs_by, waiting = update_hub(hub, runs_by, new)
        logger.info("reloaded tokens and %d namespaces", len(new.namespaces))
        if waiting:
            logger.warning("these changes need a restart: %s", ", ".join(waiting))

    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)


def _announce(config: HubConfig, addresses: list[Any], workers: int = 1) -> None:
    for line in announcement(config, addresses, workers):
        click.echo(line)


def run_alone(options: NodeOptions) -> int:
    """Serve in this process until a signal ends it.

    Returns:
        The exit code: 0, or 130 if a second signal cut the drain off.

    Raises:
        StartFailed: the node cannot start.
    """

    async def run() -> int:
        stop = asyncio.Event()
        main = asyncio.current_task()
        assert main is not None
        on_signals(lambda: main.cancel() if stop.is_set() else stop.set())
        try:
            await serve_until(stop, options, _announce)
        except asyncio.CancelledError:
            return 130
        return 0

    return asyncio.run(run())


def work_of(options: NodeOptions, config: HubConfig) -> Work:
    """Return what each of several workers does."""
    return Work(
        module="openline.cli.node.worker",
        host=config.server.host,
        port=config.server.port,
        options=lambda port: options.at_port(port).to_json(),
        announce=lambda addresses: _announce(config, addresses, config.server.workers),
        grace=config.hub.drain + CLOSE_GRACE + 5,
        reload=True,
    )
