"""A raw, strict peer: sends any bytes, cut at any place, and holds what comes back against the RFC.

It shares no code with what it tests. Whatever it receives must itself conform: masks by role, minimal lengths, no
reserved bits, legal fragmentation, valid UTF-8, and nothing behind a Close frame but owed pongs. So each case also
checks the sender's half of RFC 6455.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KNOWN_OPCODES = (CONT, TEXT, BINARY, CLOSE, PING, PONG)

RSV1, RSV2, RSV3 = 4, 2, 1

# Seconds. Far above what any case needs: it only keeps a broken subject from hanging the run.
PATIENCE = float(os.environ.get("OPENLINE_TEST_PATIENCE", "10"))


class End(enum.Enum):
    """How the subject's direction of the TCP connection ended."""

    FIN = "FIN"
    RST = "RST"


class Frame(NamedTuple):
    """A frame as it came: `payload` is unmasked, `mask` is the masking key or None."""

    fin: bool
    rsv: int
    opcode: int
    payload: bytes
    mask: bytes | None

    @property
    def code(self) -> int:
        """The code of a Close frame; 1005 where it has none (section 7.1.5)."""
        return int.from_bytes(self.payload[:2]) if self.payload else 1005

    @property
    def reason(self) -> str:
        return self.payload[2:].decode()


def xor(data: bytes, mask: bytes) -> bytes:
    """Mask or unmask (section 5.3)."""
    keys = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(keys)).to_bytes(len(data))


def encode(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    length_size: int | None = None,
    length: int | None = None,
) -> bytes:
    """Build a frame, a wrong one where asked to.

    Args:
        length_size: How many bytes the extended length takes (0, 2 or 8). None: as few as possible.
        length: The length to state. None: that of the payload.
    """
    length = len(payload) if length is None else length
    if length_size is None:
        length_size = 0 if length < 126 else 2 if length < 0x10000 else 8
    short = {0: length, 2: 126, 8: 127}[length_size]
    head = bytes([fin << 7 | rsv << 4 | opcode, (mask is not None) << 7 | short])
    head += length.to_bytes(length_size) if length_size else b""
    return head + payload if mask is None else head + mask + xor(payload, mask)


def close_payload(code: int, reason: str | bytes = b"") -> bytes:
    return struct.pack("!H", code) + (reason.encode() if isinstance(reason, str) else reason)


def chop(data: bytes, size: int) -> Iterator[bytes]:
    """Cut into pieces of `size` bytes."""
    return (data[at : at + size] for at in range(0, len(data), size))


class Peer:
    """One end of a TCP connection, in the hands of a test.

    Args:
        sock: A connected, non-blocking socket.
        masks: True where this end plays the client.
    """

    def __init__(self, sock: socket.socket, *, masks: bool) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.masks = masks
        # The RSV1 bit is legal on the first frame of a data message once permessage-deflate is agreed.
        self.deflate = False
        self.frames: list[Frame] = []
        self._unread = bytearray()
        self._fragments: list[Frame] = []
        self._close_sent = False
        self._close_received = False

    @classmethod
    async def dial(cls, port: int, *, receive_buffer: int | None = None) -> Peer:
        """Connect to a server under test.

        Args:
            receive_buffer: SO_RCVBUF in bytes, set before connecting. None: the system's.
        """
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        return cls(sock, masks=True)

    # Sending

    async def send(self, data: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def send_in_pieces(self, pieces: Iterable[bytes]) -> None:
        """Send each piece so that the subject reads it on its own: its loop turns between any two."""
        for piece in pieces:
            await self.send(piece)
            await turn_loop()

    def frame(self, opcode: int, payload: bytes = b"", **shape: int | bool | bytes | None) -> bytes:
        """Build a frame as this role sends it; ``mask=None`` or ``mask=key`` in `shape` overrides."""
        self._close_sent = self._close_sent or opcode == CLOSE
        shape.setdefault("mask", os.urandom(4) if self.masks else None)
        return encode(opcode, payload, **shape)  # type: ignore[arg-type]

    async def send_frame(self, opcode: int, payload: bytes = b"", **shape: int | bool | bytes | None) -> None:
        await self.send(self.frame(opcode, payload, **shape))

    async def send_close(self, code: int | None = None, reason: str | bytes = b"") -> None:
        await self.send_frame(CLOSE, b"" if code is None else close_payload(code, reason))

    def fin(self) -> None:
        """Shut this direction down."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Destroy the connection: the subject sees ECONNRESET."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    # Receiving

    async def read_some(self) -> bytes | End:
        """Read what there is; how the direction ended, at its end."""
        try:
            async with asyncio.timeout(PATIENCE):
                data = await asyncio.get_running_loop().sock_recv(self.sock, 1 << 18)
        except (ConnectionResetError, BrokenPipeError):
            return End.RST
        return data or End.FIN

    async def read_head(self) -> bytes:
        """Read up to the empty line that ends an HTTP head, in the fewest bytes."""
        while (at := self._unread.find(b"\r\n\r\n")) < 0:
            data = await self.read_some()
            assert not isinstance(data, End), f"{data.value} within the head: {bytes(self._unread)!r}"
            self._unread += data
        head = bytes(self._unread[: at + 4])
        del self._unread[: at + 4]
        return head

    async def read_rest(self) -> tuple[bytes, End]:
        """Read everything up to the end."""
        while not isinstance(data := await self.read_some(), End):
            self._unread += data
        rest = bytes(self._unread)
        self._unread.clear()
        return rest, data

    async def receive(self) -> Frame | End:
        """Receive one frame, held against the RFC; or how the direction ended."""
        while (frame := self._parse()) is None:
            data = await self.read_some()
            if isinstance(data, End):
                assert not self._unread, f"{data.value} within a frame: {bytes(self._unread[:64])!r}"
                return data
            self._unread += data
        self._check(frame)
        self.frames.append(frame)
        return frame

    async def receive_message(self) -> Frame:
        """Receive one whole data message as if it had come in one frame."""
        frame = await self.receive()
        assert isinstance(frame, Frame), f"{frame} instead of a message"
        first = frame
        payload = [frame.payload]
        while not frame.fin:
            frame = await self.receive()
            assert isinstance(frame, Frame), f"{frame} within a message"
            if frame.opcode & 8 == 0:
                payload.append(frame.payload)
        return first._replace(fin=True, payload=b"".join(payload))

    async def expect(self, opcode: int, payload: bytes) -> None:
        frame = await self.receive_message()
        assert (frame.opcode, len(frame.payload)) == (opcode, len(payload)), _brief(frame)
        assert frame.payload == payload, _brief(frame)

    async def expect_close(self, code: int, reason: str | None = None) -> Frame:
        frame = await self.receive()
        assert isinstance(frame, Frame), f"{frame} instead of a Close frame"
        assert frame.opcode == CLOSE, _brief(frame)
        assert frame.code == code, _brief(frame)
        assert reason is None or frame.reason == reason, _brief(frame)
        return frame

    async def expect_end(self, end: End = End.FIN) -> None:
        assert await self.receive() is end

    async def expect_silence(self) -> None:
        """Nothing has come once a ping was answered: what was sent before has been dealt with."""
        await self.send_frame(PING, b"anything?")
        await self.expect(PONG, b"anything?")

    async def expect_nothing_yet(self) -> None:
        """Within a frame no ping can ask: the loop has turned, and nothing has come."""
        await turn_loop()
        with contextlib.suppress(BlockingIOError):
            assert self.sock.recv(1 << 16, socket.MSG_PEEK) is None

    def _parse(self) -> Frame | None:
        data = self._unread
        if len(data) < 2:
            return None
        size = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
        masked = data[1] >> 7
        start = 2 + size + 4 * masked
        if len(data) < start:
            return None
        length = int.from_bytes(data[2 : 2 + size]) if size else data[1] & 0x7F
        assert size == (0 if length < 126 else 2 if length < 0x10000 else 8), (
            "section 5.2: length is not minimal"
        )
        if len(data) < start + length:
            return None
        mask = bytes(data[start - 4 : start]) if masked else None
        payload = bytes(data[start : start + length])
        frame = Frame(
            fin=bool(data[0] >> 7),
            rsv=data[0] >> 4 & 7,
            opcode=data[0] & 15,
            payload=payload if mask is None else xor(payload, mask),
            mask=mask,
        )
        del data[: start + length]
        return frame

    def _check(self, frame: Frame) -> None:
        # Section 5.5.2: a ping is to be answered until the answering end has received a Close frame.
        may_follow = frame.opcode == PONG and not self._close_sent
        assert not self._close_received or may_follow, (
            f"section 5.5.1: behind the Close frame: {_brief(frame)}"
        )
        assert (frame.mask is None) == self.masks, f"section 5.1: wrong masking: {_brief(frame)}"
        assert frame.opcode in KNOWN_OPCODES, f"section 5.2: unknown opcode: {_brief(frame)}"
        starts_message = frame.opcode in (TEXT, BINARY)
        legal_bits = RSV1 if self.deflate and starts_message else 0
        assert frame.rsv & ~legal_bits == 0, f"section 5.2: reserved bits: {_brief(frame)}"
        if frame.opcode & 8:
            assert frame.fin, f"section 5.4: a fragmented control frame: {_brief(frame)}"
            assert len(frame.payload) <= 125, f"section 5.5: a long control frame: {_brief(frame)}"
            if frame.opcode == CLOSE:
                self._close_received = True
                self._check_close(frame)
            return
        assert starts_message == (not self._fragments), f"section 5.4: bad fragmentation: {_brief(frame)}"
        self._fragments.append(frame)
        if frame.fin:
            first = self._fragments[0]
            if first.opcode == TEXT and not first.rsv:
                b"".join(part.payload for part in self._fragments).decode()  # section 5.6
            self._fragments.clear()

    def _check_close(self, frame: Frame) -> None:
        assert len(frame.payload) != 1, "section 5.5.1: a Close frame with one byte"
        if frame.payload:
            _ = frame.reason  # section 5.5.1: it must be UTF-8
            assert is_sendable(frame.code), f"section 7.4: {_brief(frame)}"


def is_sendable(code: int) -> bool:
    """May this code stand in a Close frame? As sections 7.4.1 and 7.4.2 and the registry have it."""
    return code in (*range(1000, 1004), *range(1007, 1015)) or 3000 <= code < 5000


async def turn_loop() -> None:
    """Let the loop look at its descriptors and run what is ready, several times over."""
    for _ in range(4):
        await asyncio.sleep(0)


def _brief(frame: Frame) -> str:
    head = frame._replace(payload=frame.payload[:80])
    return f"{head} of {len(frame.payload)} bytes"
