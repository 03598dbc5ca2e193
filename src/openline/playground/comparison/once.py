"""One question and one answer, each way over: what it takes when there is nothing else to say."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass

from openline.playground.comparison.http_client import BROWSER, get
from openline.protocol.connection import Protocol
from openline.protocol.events import Closed, Message
from openline.protocol.handshake import generate_key
from openline.protocol.states import Side

ROUNDS = 15  # of each way; the median is what counts
PATIENCE = 5.0  # seconds for one round


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask, as it was measured.

    Attributes:
        bytes: On the socket, both directions.
        milliseconds: From the wish, without a connection yet or with one, to the answer.
    """

    bytes: int
    milliseconds: float


class Socket:
    """A TCP connection whose bytes are counted.

    Attributes:
        bytes: What was written and read so far.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.bytes = 0
        self._reader = reader
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Send."""
        self.bytes += len(data)
        self._writer.write(data)

    async def read(self) -> bytes:
        """Return what has come; b"" at the end."""
        data = await self._reader.read(2**16)
        self.bytes += len(data)
        return data

    async def head(self) -> bytes:
        """Return the beginning of an answer, up to its empty line."""
        data = await self._reader.readuntil(b"\r\n\r\n")
        self.bytes += len(data)
        return data

    async def exactly(self, size: int) -> bytes:
        """Return so many bytes."""
        data = await self._reader.readexactly(size)
        self.bytes += len(data)
        return data

    async def close(self) -> None:
        """Close."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@asynccontextmanager
async def _socket(port: int) -> AsyncGenerator[Socket]:
    sock = Socket(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield sock
    finally:
        await sock.close()


async def measure_once(ports: dict[str, int]) -> dict[str, dict[str, float]]:
    """Ask for the newest message, each way some times.

    Args:
        ports: Of the servers by technique; those of polling and WebSocket are asked.

    Returns:
        The fields of a `Way` by its name: ``get``, ``get_again`` (on a connection that is open), ``websocket``,
        ``websocket_again``.

    Raises:
        TimeoutError: A server does not answer.
        ConnectionError, EOFError: It hangs up.
    """
    async with asyncio.timeout(PATIENCE * ROUNDS):
        http, line = ports["polling"], ports["websocket"]
        return {
            "get": asdict(await _median(lambda: _fresh_get(http))),
            "get_again": asdict(await _get_again(http)),
            "websocket": asdict(await _median(lambda: _fresh_line(line))),
            "websocket_again": asdict(await _line_again(line)),
        }


async def _median(measure: Callable[[], Awaitable[Way]]) -> Way:
    ways = [await measure() for _ in range(ROUNDS)]
    return Way(
        int(statistics.median_low(way.bytes for way in ways)),
        statistics.median(way.milliseconds for way in ways),
    )


async def _fresh_get(port: int) -> Way:
    begun = time.perf_counter()
    async with _socket(port) as sock:
        await _ask_by_get(sock, port)
        return Way(sock.bytes, (time.perf_counter() - begun) * 1000)


async def _get_again(port: int) -> Way:
    async with _socket(port) as sock:
        await _ask_by_get(sock, port)

        async def again() -> Way:
            begun, before = time.perf_counter(), sock.bytes
            await _ask_by_get(sock, port)
            return Way(sock.bytes - before, (time.perf_counter() - begun) * 1000)

        return await _median(again)


async def _ask_by_get(sock: Socket, port: int) -> None:
    sock.write(get("/", f"127.0.0.1:{port}"))
    fields = dict(
        line.lower().split(b": ", 1) for line in (await sock.head()).split(b"\r\n") if b": " in line
    )
    await sock.exactly(int(fields.get(b"content-length", b"0")))


class _Line:
    """A WebSocket that only asks."""

    def __init__(self, sock: Socket) -> None:
        self.sock = sock
        self._protocol = Protocol(Side.CLIENT)

    async def open(self, port: int) -> None:
        host = f"127.0.0.1:{port}"
        fields = "".join(
            line + "\r\n"
            for line in BROWSER.split("\r\n")
            if line.startswith(("User-Agent", "Accept-Encoding", "Accept-Language"))
        )
        self.sock.write(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
            f"{fields}Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {generate_key()}\r\n\r\n".encode()
        )
        if not (await self.sock.head()).startswith(b"HTTP/1.1 101 "):
            raise ConnectionError("the server does not open a WebSocket")

    async def ask(self) -> None:
        self._protocol.send_text("?")
        await self._until(Message)

    async def close(self) -> None:
        self._protocol.send_close(1000)
        await self._until(Closed)

    async def _until(self, kind: type[Message | Closed]) -> None:
        self._flush()
        while data := await self.sock.read():
            events = self._protocol.receive_data(data)
            self._flush()
            if any(isinstance(event, kind) for event in events):
                return
        raise EOFError

    def _flush(self) -> None:
        for data in self._protocol.take_output():
            if data:
                self.sock.write(data)


async def _fresh_line(port: int) -> Way:
    begun = time.perf_counter()
    async with _socket(port) as sock:
        line = _Line(sock)
        await line.open(port)
        await line.ask()
        took = (time.perf_counter() - begun) * 1000
        await line.close()
        return Way(sock.bytes, took)


async def _line_again(port: int) -> Way:
    async with _socket(port) as sock:
        line = _Line(sock)
        await line.open(port)

        async def again() -> Way:
            begun, before = time.perf_counter(), sock.bytes
            await line.ask()
            return Way(sock.bytes - before, (time.perf_counter() - begun) * 1000)

        way = await _median(again)
        await line.close()
        return way
