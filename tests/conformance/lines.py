"""Open a line between a raw peer and the subject, with the subject as server or as client."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal

from . import subject
from .peer import End, Frame, Peer

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# What the subject plays, and whether its application is a coroutine or a listener.
Side = Literal["server", "client", "server-listener", "client-listener"]
SIDES: tuple[Side, ...] = ("server", "client")
if subject.NAME == "openline":
    SIDES += ("server-listener", "client-listener")

OnMessage = Callable[[Any, "str | bytes"], Awaitable[None]]


async def echo(ws: Any, message: str | bytes) -> None:
    await ws.send(message)


async def keep_silent(ws: Any, message: str | bytes) -> None:
    pass


class Application:
    """The subject's application: it notes what it is given, and answers each message by `on_message`."""

    def __init__(self, on_message: OnMessage = echo) -> None:
        self.on_message = on_message
        self.received: list[str | bytes] = []
        self.connection: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()
        # What the application was told at the end (section 7.1.5 and 7.1.6).
        self.close_code: int | None = None
        self.close_reason: str | None = None

    async def run(self, ws: Any) -> None:
        self.connection.set_result(ws)
        try:
            while True:
                message = await ws.recv()
                self.received.append(message)
                await self.on_message(ws, message)
        except subject.exceptions.ConnectionClosed:
            await ws.wait_closed()
            self.close_code, self.close_reason = ws.close_code, ws.close_reason
        finally:
            self.over.set()

    def listener(self) -> Any:
        """The same application as a listener; it always echoes, or keeps silent."""
        from openline import Listener

        app = self
        answers = self.on_message is echo
        assert answers or self.on_message is keep_silent

        class Noting(Listener):
            def on_open(self, ws: Any) -> None:
                app.connection.set_result(ws)

            def on_message(self, ws: Any, message: str | bytes) -> None:
                app.received.append(message)
                if answers:
                    ws.send_nowait(message)

            def on_close(self, ws: Any, code: int, reason: str) -> None:
                app.close_code, app.close_reason = code, reason
                app.over.set()

        return Noting()

    async def ended(self) -> tuple[int | None, str | None]:
        """Wait for the end; return the close code and reason that the application saw."""
        async with asyncio.timeout(20):
            await self.over.wait()
        return self.close_code, self.close_reason


class Line:
    """A raw `peer`, and the `app` behind the subject at the other end."""

    def __init__(self, side: Side, peer: Peer, app: Application) -> None:
        self.subject_is_server = side.startswith("server")
        self.peer = peer
        self.app = app

    async def expect_failure(self, code: int, *sections: str) -> Frame:
        """The subject fails the connection: a Close frame with this code, and a clean end of TCP.

        Args:
            sections: One of these is named in the reason. None given: the reason is not looked at.
        """
        frame = await self.peer.expect_close(code)
        if sections and subject.NAMES_SECTIONS:
            named = re.findall(r"section (\d+(?:\.\d+)*)", frame.reason)
            assert any(section in named for section in sections), f"{frame.reason!r} names none of {sections}"
        await self.expect_tcp_end()
        return frame

    async def expect_tcp_end(self) -> None:
        """The server shuts its side down first, and neither side resets (section 7.1.1)."""
        if self.subject_is_server:
            await self.peer.expect_end(End.FIN)
            self.peer.fin()
        else:
            self.peer.fin()
            await self.peer.expect_end(End.FIN)

    async def close_from_peer(self, code: int | None = 1000, reason: str = "") -> None:
        """The whole closing handshake, begun by the peer (section 5.5.1)."""
        await self.peer.send_close(code, reason)
        await self.peer.expect_close(1005 if code is None else code)
        await self.expect_tcp_end()


# A line is quiet but for what the case sends, and slow deadlines never decide a case.
QUIET: dict[str, Any] = {"ping_interval": None, "compression": None, "close_timeout": 20, "open_timeout": 20}


@contextlib.asynccontextmanager
async def opened(
    side: Side,
    on_message: OnMessage = echo,
    *,
    extension_header: str | None = None,
    **options: Any,
) -> AsyncIterator[Line]:
    """Open a line and close it down again.

    Args:
        side: What the subject plays.
        extension_header: The peer's Sec-WebSocket-Extensions header.
        options: For `serve` or `connect`.
    """
    app = Application(on_message)
    options = QUIET | options
    async with (
        _served(side, app, options) if side.startswith("server") else _dialled(side, app, options) as peer
    ):
        if side.startswith("server"):
            await peer.send(upgrade_request(extension_header))
            head = await peer.read_head()
            assert head.startswith(b"HTTP/1.1 101 "), head
        else:
            request = await peer.read_head()
            await peer.send(upgrade_response(request, extension_header))
        peer.deflate = extension_header is not None
        async with asyncio.timeout(20):
            await asyncio.shield(app.connection)
        yield Line(side, peer, app)
        peer.close()
        await app.ended()


@contextlib.asynccontextmanager
async def _served(side: Side, app: Application, options: dict[str, Any]) -> AsyncIterator[Peer]:
    handler = app.listener() if side.endswith("listener") else app.run
    async with subject.serve(handler, "127.0.0.1", 0, **options) as server:
        peer = await Peer.dial(port_of(server))
        try:
            yield peer
        finally:
            peer.close()


@contextlib.asynccontextmanager
async def _dialled(side: Side, app: Application, options: dict[str, Any]) -> AsyncIterator[Peer]:
    async def dial(uri: str) -> None:
        if side.endswith("listener"):
            ws = await subject.connect(uri, proxy=None, listener=app.listener(), **options)
            await ws.wait_closed()
        else:
            async with subject.connect(uri, proxy=None, **options) as ws:
                await app.run(ws)

    with listening() as listener:
        task = asyncio.ensure_future(dial(f"ws://127.0.0.1:{listener.getsockname()[1]}/"))
        peer = await accepted(listener)
        try:
            yield peer
            await task
        finally:
            peer.close()
            if not task.done():
                task.cancel()
                await asyncio.wait([task])


@contextlib.contextmanager
def listening() -> Any:
    """A listening socket for a raw server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


async def accepted(listener: socket.socket) -> Peer:
    async with asyncio.timeout(20):
        sock, _ = await asyncio.get_running_loop().sock_accept(listener)
    sock.setblocking(False)
    return Peer(sock, masks=False)


def port_of(server: Any) -> int:
    return next(iter(server.sockets)).getsockname()[1]


def upgrade_request(extensions: str | None = None) -> bytes:
    """A minimal opening handshake (section 4.1)."""
    return (
        "GET / HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        + (f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else "")
        + "\r\n"
    ).encode()


def accept_value(key: str | bytes) -> str:
    """Section 4.2.2 item 5.4."""
    key = key.encode() if isinstance(key, str) else key
    return base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()


def header_values(head: bytes, name: str) -> list[str]:
    """All values of a header, in order; names without regard to case."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    fields = (line.partition(":") for line in lines if line)
    return [value.strip(" \t") for field, _, value in fields if field.lower() == name.lower()]


def upgrade_response(request: bytes, extensions: str | None = None) -> bytes:
    """Accept the client's opening handshake (section 4.2.2)."""
    (key,) = header_values(request, "Sec-WebSocket-Key")
    return (
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_value(key)}\r\n"
        + (f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else "")
        + "\r\n"
    ).encode()
