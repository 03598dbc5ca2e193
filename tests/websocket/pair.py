"""Connections for the tests of this folder: both ends openline's, or one of them raw bytes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from openline import ClientConnection, Opcode, Server, ServerConnection, connect, serve
from openline.protocol.frames import apply_mask, encode_frame, parse_header

from .wire import upgrade_request

PATIENCE = 10.0
"""Seconds after which what a test waits for will not come any more."""


class Received(NamedTuple):
    """A frame as the raw end got it."""

    opcode: Opcode
    payload: bytes
    fin: bool = True
    rsv: int = 0


class RawClient:
    """A client of bytes, past its opening handshake."""

    def __init__(self, sock: socket.socket, rest: bytes) -> None:
        self.sock = sock
        self._received = rest

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_sendall(self.sock, data)

    @staticmethod
    def frame(opcode: Opcode, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
        """A frame as a client sends it."""
        return encode_frame(opcode, payload, fin=fin, rsv=rsv, mask=os.urandom(4))

    async def send_frame(self, opcode: Opcode, payload: bytes = b"", *, fin: bool = True) -> None:
        """Send one frame."""
        await self.send(self.frame(opcode, payload, fin=fin))

    async def read(self) -> bytes:
        """Read what there is; empty at the end."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self.sock, 1 << 16)

    async def receive(self) -> Received:
        """Read one frame."""
        while True:
            header = parse_header(self._received)
            if header is not None and len(self._received) >= header.size + header.length:
                payload = self._received[header.size : header.size + header.length]
                if header.mask is not None:
                    payload = apply_mask(payload, header.mask)
                self._received = self._received[header.size + header.length :]
                return Received(header.opcode, payload, header.fin, header.rsv)
            data = await self.read()
            if not data:
                raise EOFError(f"the connection ended within a frame: {self._received!r}")
            self._received += data

    async def read_to_end(self) -> bytes:
        """Read all that is left."""
        rest = self._received
        while data := await self.read():
            rest += data
        return rest


class Meeting:
    """A server's handler that hands its connections to the test, and keeps them until the test is done."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.over = asyncio.Event()

    async def __call__(self, ws: ServerConnection) -> None:
        self._arrived.put_nowait(ws)
        await self.over.wait()

    async def next(self) -> ServerConnection:
        """The next connection that was opened."""
        async with asyncio.timeout(PATIENCE):
            return await self._arrived.get()


def port_of(server: Server) -> int:
    """The port that a server listens on."""
    return server.sockets[0].getsockname()[1]


@asynccontextmanager
async def meeting(**options: Any) -> AsyncIterator[tuple[Server, Meeting]]:
    """A server whose connections the test holds."""
    handler = Meeting()
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        try:
            yield server, handler
        finally:
            handler.over.set()


@asynccontextmanager
async def pair(
    server_options: dict[str, Any] | None = None, **client_options: Any
) -> AsyncIterator[tuple[ServerConnection, ClientConnection]]:
    """Both ends of a connection."""
    async with meeting(**server_options or {}) as (server, handler):
        scheme = "wss" if (server_options or {}).get("ssl") else "ws"
        async with connect(f"{scheme}://127.0.0.1:{port_of(server)}/", **client_options) as client:
            yield await handler.next(), client


@asynccontextmanager
async def raw_client(
    port: int, *, receive_buffer: int | None = None, **headers: str
) -> AsyncIterator[RawClient]:
    """A raw client of the server at ``port``; ``receive_buffer`` bounds what its kernel takes unread."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, upgrade_request(**headers))
        received = b""
        while b"\r\n\r\n" not in received:
            received += await loop.sock_recv(sock, 1 << 16)
        head, _, rest = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        yield RawClient(sock, rest)


@asynccontextmanager
async def raw_pair(
    *, receive_buffer: int | None = None, headers: dict[str, str] | None = None, **server_options: Any
) -> AsyncIterator[tuple[ServerConnection, RawClient]]:
    """A server's end, and a raw client."""
    async with (
        meeting(**server_options) as (server, handler),
        raw_client(port_of(server), receive_buffer=receive_buffer, **headers or {}) as client,
    ):
        yield await handler.next(), client


async def until(condition: Any, what: str) -> None:
    """Turn the loop until ``condition()`` holds: for what has no event of its own."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)
    assert condition(), what
