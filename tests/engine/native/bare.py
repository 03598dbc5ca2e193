"""The smallest connection there can be: a native line, and an upper half that notes what it is told.

What stands opposite is a plain socket of this process: what it sends is in the kernel before `send` returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from openline.engine.native.engine import NativeEngine
from openline.engine.native.line import Line
from openline.exceptions import ConnectionClosedError
from openline.protocol.frames import Opcode, apply_mask, encode_frame, parse_header
from openline.protocol.states import Side, State

KEY = b"\x37\xfa\x21\x3d"


@dataclass(slots=True)
class Options:
    """What a line reads of its options; the defaults of `connect` and `serve`."""

    max_message_size: int | None = 2**20
    max_fragment_size: int | None = None
    max_queue_high: int | None = 16
    max_queue_low: int | None = 4
    write_high: int = 32768
    write_low: int = 8192
    max_unsent: int | None = 2**24
    context: Context = field(default_factory=copy_context)
    busy_poll: int = 0


class Bare(Line):
    """A line that is a WebSocket from the start, and the log of what it was told.

    Attributes:
        log: What the line called upward, in order: the name, then the arguments.
    """

    side = Side.SERVER

    def __init__(self, *, listener: Any = None, **options: Any) -> None:
        self.options = Options(**options)
        self.listener = listener
        self.log: list[tuple[Any, ...]] = []
        self._news = asyncio.Event()

    def note(self, *what: Any) -> None:
        self.log.append(what)
        self._news.set()

    def noted(self, name: str) -> list[tuple[Any, ...]]:
        return [what for what in self.log if what[0] == name]

    async def until(self, name: str, count: int = 1) -> tuple[Any, ...]:
        """Wait until something was called so often; return the last call."""
        while len(self.noted(name)) < count:
            self._news.clear()
            await self._news.wait()
        return self.noted(name)[count - 1]

    def _connection_made(self) -> None:
        self.note("made")
        self.state = State.OPEN
        self.begin_frames()

    def _receive_rare(self, data: bytes) -> None:
        self.note("rare", data)

    def _receive_failed(self, error: Exception | None) -> None:
        self.note("failed", error)
        self.discard()

    def _eof_received(self) -> None:
        self.note("eof")
        self.close_descriptor()

    def _connection_lost(self, exc: Exception | None) -> None:
        assert self.state is State.CLOSED
        self.note("lost", exc)

    def _deadline_reached(self) -> None:
        self.note("deadline")

    def _closed_error(self) -> Exception:
        return ConnectionClosedError(None, None)

    def _callback_failed(self, exc: Exception) -> None:
        self.note("callback failed", exc)

    def _overrun(self) -> None:
        self.note("overrun")
        self.abort()

    def _drained(self) -> None:
        self.note("drained")


class ClientBare(Bare):
    side = Side.CLIENT


class RawBare(Bare):
    """A line that stays in its raw phase, and is its own receiver."""

    def _connection_made(self) -> None:
        self.note("made")
        self.begin_raw(self)

    def data_received(self, data: bytes) -> None:
        self.note("data", data)

    def eof_received(self) -> None:
        self.note("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        self.note("lost", exc)

    def deadline_reached(self) -> None:
        self.note("deadline")

    def drained(self) -> None:
        self.note("drained")


class Collecting:
    """A listener that keeps its messages, with the line that each came on."""

    def __init__(self) -> None:
        self.messages: list[tuple[Any, str | bytes]] = []

    def on_message(self, ws: Any, message: str | bytes) -> None:
        self.messages.append((ws, message))
        ws.note("message", message)


def tcp_pair(
    *, send_buffer: int | None = None, receive_buffer: int | None = None
) -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection on 127.0.0.1, not blocking.

    Args:
        send_buffer: SO_SNDBUF of the first.
        receive_buffer: SO_RCVBUF of the second.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = socket.socket()
        if receive_buffer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        peer.connect(server.getsockname())
        ours, _ = server.accept()
    if send_buffer is not None:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ours.setblocking(False)
    peer.setblocking(False)
    return ours, peer


def narrow_pair() -> tuple[socket.socket, socket.socket]:
    """Buffers so small that a few kilobytes fill them."""
    return tcp_pair(send_buffer=4096, receive_buffer=4096)


@contextlib.asynccontextmanager
async def opened(
    line: Any = None, pair: tuple[socket.socket, socket.socket] | None = None
) -> AsyncIterator[tuple[Any, socket.socket]]:
    """A line and the socket opposite."""
    line = line if line is not None else Bare()
    ours, peer = pair or tcp_pair()
    await NativeEngine(asyncio.get_running_loop()).adopt(ours, line)
    with peer:
        yield line, peer
    line.abort()
    await line.until("lost")


def frame(
    payload: bytes | str,
    *,
    opcode: Opcode | None = None,
    mask: bytes | None = KEY,
    fin: bool = True,
    rsv: int = 0,
) -> bytes:
    """A frame as a client sends it."""
    if opcode is None:
        opcode = Opcode.TEXT if isinstance(payload, str) else Opcode.BINARY
    return encode_frame(
        opcode, payload.encode() if isinstance(payload, str) else payload, mask=mask, fin=fin, rsv=rsv
    )


def frames_of(stream: bytes) -> list[tuple[Opcode, bytes]]:
    """Opcode and payload of the frames that a stream consists of; it must end with a whole one."""
    found = []
    at = 0
    while at < len(stream):
        header = parse_header(stream, at)
        assert header is not None, f"half a header at {at} of {len(stream)}"
        at += header.size
        payload = stream[at : at + header.length]
        assert len(payload) == header.length, f"half a frame at {at} of {len(stream)}"
        at += header.length
        found.append((header.opcode, apply_mask(payload, header.mask) if header.mask else payload))
    return found


async def turns_until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something holds that has no event of its own."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def read_exactly(peer: socket.socket, size: int) -> bytes:
    """So many bytes from the line."""
    data = bytearray()
    while len(data) < size:
        piece = await asyncio.get_running_loop().sock_recv(peer, min(65536, size - len(data)))
        assert piece, f"end after {len(data)} of {size} bytes"
        data += piece
    return bytes(data)


async def read_frames(peer: socket.socket, count: int) -> list[tuple[Opcode, bytes]]:
    """So many frames from the line, and not a byte more."""
    found = []
    for _ in range(count):
        head = await read_exactly(peer, 2)
        while (header := parse_header(head)) is None:
            head += await read_exactly(peer, 1)
        payload = await read_exactly(peer, header.length)
        found.append((header.opcode, apply_mask(payload, header.mask) if header.mask else payload))
    return found


async def read_to_end(peer: socket.socket) -> bytes:
    """All until the line's FIN."""
    data = bytearray()
    while piece := await asyncio.get_running_loop().sock_recv(peer, 65536):
        data += piece
    return bytes(data)


async def fill(line: Any) -> bytes:
    """Send until the kernel refuses; return what was sent, as it will be on the wire."""
    sent = b""
    message = b"0123456789abcdef" * 1024
    while not line.unsent:
        line.send_nowait(message)
        sent += frame(message, mask=None)
    return sent
