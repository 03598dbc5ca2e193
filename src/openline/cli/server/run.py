"""One process that serves: from its options to a listening server, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import click

from openline import (
    HTTPRequest,
    HTTPResponse,
    Request,
    Response,
    Server,
    ServerConnection,
    serve,
    unix_serve,
)
from openline.cli.server.access_log import AccessLog, peer_name, tcp_address
from openline.cli.server.files import Files
from openline.cli.server.handlers import Broadcaster, echo
from openline.cli.server.options import Mode, ServeOptions, StartFailed
from openline.cli.server.origins import origin_check
from openline.cli.server.program import ProgramRunner
from openline.cli.server.work import Work
from openline.cli.signals import on_signals

Handler = Callable[[ServerConnection], Awaitable[None]]

# Seconds that the closing handshakes of all connections may take when the server ends.
SHUTDOWN_GRACE = 10.0


class Service:
    """The handler of `openline.serve`, with what decides who may reach it.

    Args:
        options: What the command line said.
    """

    def __init__(self, options: ServeOptions) -> None:
        self._options = options
        self._live: set[ServerConnection] = set()
        self._log = AccessLog(options.access_log)
        self._may_connect = origin_check(options.origins)
        self._programs = ProgramRunner(options.command, options.max_programs)
        handlers: dict[Mode, Handler] = {
            Mode.ECHO: echo,
            Mode.BROADCAST: Broadcaster(),
            Mode.EXEC: self._programs,
        }
        self._handler = handlers[options.mode]
        self._files = Files(options.directory) if options.directory is not None else None

    async def handle(self, ws: ServerConnection) -> None:
        """Serve one connection."""
        self._live.add(ws)
        began = time.monotonic()
        address = ws.remote_address
        path = ws.request.path if ws.request is not None else ""
        self._log.write(address, f"open {path}")
        try:
            await self._handler(ws)
        finally:
            await ws.close()
            self._live.discard(ws)
            code, seconds = ws.close_code, time.monotonic() - began
            self._log.write(address, f"closed {path} {code} {ws.close_reason or '-'} after {seconds:.3f} s")

    def abort(self) -> None:
        """Close the connections that are still there, without a closing handshake."""
        for ws in self._live:
            ws.transport.abort()

    def admit(self, ws: ServerConnection, request: Request) -> Response | None:
        """Refuse pages of other sites, and connections for which no program may be started."""
        if "Upgrade" not in request.headers:
            return None
        origin = request.headers.get("Origin")
        if not self._may_connect(origin, request.headers.get("Host", "")):
            self._log.write(ws.remote_address, f"refused {request.path} 403, origin {origin}")
            return ws.respond(403, f"pages from {origin} may not connect (see openline serve --origin)\n")
        if self._options.mode is Mode.EXEC and self._programs.full:
            self._log.write(ws.remote_address, f"refused {request.path} 503, all programs are running")
            return ws.respond(503, "too many programs are running; try again later\n")
        return None

    async def http(self, request: HTTPRequest) -> HTTPResponse:
        """Serve a file."""
        assert self._files is not None
        response = await self._files(request)
        self._log.write(request.remote_address, f"{request.method} {request.path} {response.status}")
        return response

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for `openline.serve`."""
        options = self._options
        arguments: dict[str, Any] = {
            "process_request": self.admit,
            "subprotocols": list(options.subprotocols) or None,
            "compression": "deflate" if options.compress else None,
            "max_size": options.max_size,
            "ping_interval": options.ping_interval,
            "ssl": _ssl_context(options),
        }
        if self._files is not None:
            arguments["http"] = self.http
        return arguments


def _ssl_context(options: ServeOptions) -> ssl.SSLContext | None:
    if options.certfile is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(options.certfile, options.keyfile)
    except ssl.SSLError as error:
        raise StartFailed(f"{options.certfile} holds no usable certificate and key: {error}") from None
    return context


async def _listen(options: ServeOptions, service: Service, reuse_port: bool) -> Server:
    arguments = service.arguments()
    if reuse_port:
        arguments["reuse_port"] = True
    try:
        if options.unix is not None:
            return await unix_serve(service.handle, options.unix, **arguments)
        return await serve(service.handle, options.host, options.port, **arguments)
    except OSError as error:
        where = options.unix or f"{options.host}:{options.port}"
        raise StartFailed(f"cannot listen on {where}: {error.strerror or error}") from None


async def serve_until(
    stop: asyncio.Event,
    options: ServeOptions,
    ready: Callable[[list[Any]], None],
    *,
    reuse_port: bool = False,
) -> None:
    """Serve until ``stop`` is set; then close the connections with 1001.

    Args:
        stop: Set to end.
        options: What the command line said.
        ready: Called with the addresses once they are listened on.
        reuse_port: Share the port with other processes.

    Raises:
        StartFailed: the address or a file cannot be used.
    """
    service = Service(options)
    server = await _listen(options, service, reuse_port)
    ready([one.getsockname() for one in server.sockets])
    try:
        await stop.wait()
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), SHUTDOWN_GRACE)
    except TimeoutError:
        service.abort()
    except asyncio.CancelledError:
        service.abort()
        raise


def announce(options: ServeOptions, addresses: list[Any], workers: int = 1) -> None:
    """Say on the standard output what is served and where, unless it should be quiet."""
    if options.quiet:
        return
    what = f"the lines of {options.command[0]}" if options.mode is Mode.EXEC else options.mode.value
    scheme = "wss" if options.secure else "ws"
    for address in addresses:
        if tcp_address(address) is None:
            click.echo(f"serving {what} at {scheme}+unix:{address}")
            continue
        host = peer_name(address)
        click.echo(f"serving {what} at {scheme}://{host}")
        if options.directory is not None:
            page = "https" if options.secure else "http"
            click.echo(f"serving {options.directory} at {page}://{host}/")
    if workers > 1:
        click.echo(f"by {workers} workers")
    click.echo("Ctrl-C ends it")


def work_of(options: ServeOptions, workers: int) -> Work:
    """Return what each of several workers does."""
    return Work(
        module="openline.cli.server.worker",
        host=options.host,
        port=options.port,
        options=lambda port: replace(options, port=port).to_json(),
        announce=lambda addresses: announce(options, addresses, workers),
        # A worker has its own grace for the connections; then it is killed.
        grace=SHUTDOWN_GRACE + 2,
    )


def run_alone(options: ServeOptions) -> int:
    """Serve in this process until a signal ends it.

    Returns:
        The exit code: 0, or 130 if a second signal cut the closing handshakes off.

    Raises:
        StartFailed: the server cannot start.
    """
    log_to_stderr()

    async def run() -> int:
        stop = asyncio.Event()
        main = asyncio.current_task()
        assert main is not None
        on_signals(lambda: main.cancel() if stop.is_set() else stop.set())
        try:
            await serve_until(stop, options, lambda addresses: announce(options, addresses))
        except asyncio.CancelledError:
            return 130
        return 0

    return asyncio.run(run())


def log_to_stderr() -> None:
    """Show warnings and errors of the library, handlers that raised among them."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
