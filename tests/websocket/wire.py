"""A client and a server of the tests that speak bytes: what a peer sends and gets, without any library between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from openline import Server

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The pair of RFC 6455 section 1.3."""

UPGRADE = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def upgrade_request(
    path: str = "/", *, method: str = "GET", version: str = "HTTP/1.1", **changes: str | None
) -> bytes:
    """An opening handshake; ``changes`` replace headers, or remove them where they are None.

    In their names ``_`` stands for ``-``.
    """
    headers: dict[str, str | None] = dict(UPGRADE)
    for name, value in changes.items():
        name = name.replace("_", "-")
        headers = {key: old for key, old in headers.items() if key.lower() != name.lower()}
        headers[name] = value
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"{method} {path} {version}", *lines, "", ""]).encode("latin-1")


@dataclass
class Answer:
    """The head of an HTTP response, and its body as far as it was read."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """A connection of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def read(self, size: int) -> bytes:
        return await self.reader.readexactly(size)

    async def read_head_of_request(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def read_head(self) -> Answer:
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert len(headers) == len(lines), f"a header stands twice: {head!r}"
        return Answer(int(first.split(" ")[1]), headers, b"")

    async def read_answer(self) -> Answer:
        """A response whose body has a Content-Length."""
        answer = await self.read_head()
        answer.body = await self.read(int(answer.headers["Content-Length"]))
        return answer

    async def read_to_end(self) -> bytes:
        return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    async def send_until_it_blocks(self, block: bytes, most: int) -> int:
        """Send ``block`` again and again, until the peer takes no more; return how often.

        Fails if it takes ``most`` bytes.
        """
        for count in range(1, most // len(block)):
            self.send(block)
            try:
                await asyncio.wait_for(self.writer.drain(), 0.3)
            except TimeoutError:
                return count
        raise AssertionError(f"the peer has taken {most} bytes")


async def until(condition: Callable[[], object]) -> None:
    """Turn the loop until ``condition()`` holds: for what has no event of its own. The test's time limit ends it."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def port_of(server: Server) -> int:
    return server.sockets[0].getsockname()[1]


def uri_of(server: Server, path: str = "/", scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{port_of(server)}{path}"


@asynccontextmanager
async def dial(server: Server) -> AsyncIterator[Wire]:
    """A connection of bytes to a server."""
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port_of(server)))
    try:
        yield wire
    finally:
        await wire.close()


async def ask(server: Server, request: bytes) -> Answer:
    """Send a request that is refused, and read the answer to the end of the connection."""
    async with dial(server) as wire:
        wire.send(request)
        answer = await wire.read_answer()
        assert await wire.read_to_end() == b""
        return answer


@asynccontextmanager
async def byte_server(talk: Callable[[Wire], Awaitable[None]]) -> AsyncIterator[int]:
    """A server that speaks bytes; yields its port. An exception of ``talk`` fails the test."""
    failures: list[BaseException] = []
    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await talk(wire)
        except Exception as exc:
            failures.append(exc)
        finally:
            await wire.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*talks)
    if failures:
        raise failures[0]


def mask(payload: bytes, key: bytes = b"\x11\x22\x33\x44") -> bytes:
    return key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def client_frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A short masked frame (RFC 6455 section 5.2)."""
    assert len(payload) < 126
    return bytes([(0x80 if fin else 0) | opcode, 0x80 | len(payload)]) + mask(payload)


def server_frame(opcode: int, payload: bytes) -> bytes:
    """A short frame without a mask."""
    assert len(payload) < 126
    return bytes([0x80 | opcode, len(payload)]) + payload
