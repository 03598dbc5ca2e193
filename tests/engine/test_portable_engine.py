"""Listening and adopting with the portable engine."""

from __future__ import annotations

import asyncio
import contextvars
import errno
import logging
import resource
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from openline import ServerConnection, State
from openline.engine.portable_engine import PortableEngine
from openline.websocket.lines import line_class, make_line
from openline.websocket.options import Options

PATIENCE = 10.0


async def until(condition: Callable[[], object]) -> None:
    """Turn the loop until ``condition()`` holds: for what has no event of its own."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)


class Made:
    """A factory of lines that keeps what it made, and a host that learns when they are attached."""

    def __init__(self, engine: PortableEngine) -> None:
        self.options = Options(host=self)
        self.attached: asyncio.Queue[Any] = asyncio.Queue()
        self._class = line_class(engine, ServerConnection)

    def __call__(self) -> Any:
        return make_line(self._class, self.options)

    def connection_made(self, ws: Any) -> None:
        self.attached.put_nowait(ws)

    def connection_lost(self, ws: Any) -> None:
        """Nothing."""

    async def next(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            return await self.attached.get()


def bound() -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


async def end(*lines: Any) -> None:
    for line in lines:
        line.abort()
    await until(lambda: all(line.state is State.CLOSED for line in lines))


async def test_listen_attaches_a_line_to_each_connection() -> None:
    engine = PortableEngine(asyncio.get_running_loop())
    made = Made(engine)
    sock = bound()
    address = sock.getsockname()
    acceptor = await engine.listen(sock, made, backlog=5)
    with socket.create_connection(address) as one, socket.create_connection(address) as two:
        lines = [await made.next(), await made.next()]
        assert {line.get_extra_info("peername") for line in lines} == {one.getsockname(), two.getsockname()}
        acceptor.close()
        acceptor.close()
        await asyncio.sleep(0.01)
        with pytest.raises(OSError):
            socket.create_connection(address, timeout=1).close()
        await end(*lines)


async def test_the_port_is_free_again_after_close() -> None:
    engine = PortableEngine(asyncio.get_running_loop())
    sock = bound()
    address = sock.getsockname()
    acceptor = await engine.listen(sock, Made(engine))
    acceptor.close()
    await asyncio.sleep(0.01)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(address)


async def test_lines_are_made_in_the_context_of_listen() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nobody's")
    seen: list[str] = []
    engine = PortableEngine(asyncio.get_running_loop())
    made = Made(engine)

    def factory() -> Any:
        seen.append(variable.get())
        return made()

    variable.set("listen's")
    sock = bound()
    address = sock.getsockname()
    acceptor = await engine.listen(sock, factory)
    variable.set("another")
    with socket.create_connection(address):
        await end(await made.next())
    assert seen == ["listen's"]
    acceptor.close()
    await asyncio.sleep(0)


async def test_emfile_pauses_accepting_says_so_once_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    engine = PortableEngine(loop)
    made = Made(engine)
    sock = bound()
    address = sock.getsockname()
    acceptor = await engine.listen(sock, made)
    await asyncio.sleep(0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as peer, caplog.at_level(logging.INFO, "openline"):
        peer.setblocking(False)
        highest = peer.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
        try:
            await loop.sock_connect(peer, address)
            await until(lambda: caplog.records)
            await asyncio.sleep(0.1)
            assert made.attached.empty()
            assert len(caplog.records) == 1
            assert f"[Errno {errno.EMFILE}]" in caplog.records[0].getMessage()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        line = await made.next()
        assert line.get_extra_info("peername") == peer.getsockname()
        assert caplog.records[-1].getMessage() == "connections can be accepted again"
        await end(line)
    acceptor.close()
    await asyncio.sleep(0)


async def test_tls_lines_are_attached_after_their_handshake(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    engine = PortableEngine(asyncio.get_running_loop())
    made = Made(engine)
    sock = bound()
    address = sock.getsockname()
    acceptor = await engine.listen(
        sock, made, ssl=server_tls, ssl_handshake_timeout=5, ssl_shutdown_timeout=1
    )
    with caplog.at_level(logging.INFO, "openline"), socket.create_connection(address) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: "connection failed before it began" in caplog.text)
    assert made.attached.empty()
    _, writer = await asyncio.open_connection(*address, ssl=client_tls, server_hostname="localhost")
    line = await made.next()
    assert line.get_extra_info("ssl_object").version().startswith("TLS")
    writer.close()
    await end(line)
    acceptor.close()
    await asyncio.sleep(0)


async def test_adopt_checks_the_servers_name(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    engine = PortableEngine(loop)
    made = Made(engine)
    for hostname, right in (("localhost", True), ("example.org", False)):
        ours, theirs = socket.socketpair()
        accepting = loop.create_task(engine.adopt(theirs, server := made(), ssl=server_tls, server_side=True))
        client = made()
        if right:
            await engine.adopt(ours, client, ssl=client_tls, server_hostname=hostname)
            await accepting
            await end(client, server)
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                await engine.adopt(ours, client, ssl=client_tls, server_hostname=hostname)
            with pytest.raises((OSError, EOFError)):
                await accepting


async def test_adopt_closes_the_socket_when_tls_fails(client_tls: ssl.SSLContext) -> None:
    engine = PortableEngine(asyncio.get_running_loop())
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.setblocking(False)
        theirs.send(b"no TLS at all")
        with pytest.raises(OSError):
            await engine.adopt(ours, Made(engine)(), ssl=client_tls, server_hostname="localhost")
        async with asyncio.timeout(PATIENCE):
            while await asyncio.get_running_loop().sock_recv(theirs, 4096):
                pass  # its hello, its alert
