"""What somebody on the wire makes of the bytes of one connection: everything, or next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openline.exceptions import ProtocolError
from openline.playground.relay import Direction
from openline.playground.security.tls_records import TYPES, RecordCutter, TLSRecord, server_name
from openline.websocket.frame_cutter import FrameBeginning, FrameCutter

KEPT = 160  # bytes of a frame or record that are shown
MAX_HEAD = 2**13  # bytes of a request or answer; more is no handshake of ours

Record = dict[str, Any]

_FROM = {"in": "page", "out": "server"}
_TLS_HANDSHAKE = 22  # the first byte of a connection with TLS; no method of HTTP begins with it


class Eavesdropper:
    """Takes what passes in both directions, and says what it is. What it holds is bounded."""

    def __init__(self) -> None:
        self._ears: dict[Direction, _Plain | _Encrypted] | None = None

    def hear(self, direction: Direction, data: bytes) -> Iterator[Record]:
        """Take bytes, cut anywhere; yield what is complete by them. To be iterated to its end."""
        if self._ears is None:  # the client speaks first, in both protocols
            kind = _Encrypted if data[0] == _TLS_HANDSHAKE else _Plain
            self._ears = {"in": kind(), "out": kind()}
        for record in self._ears[direction].hear(data):
            yield {**record, "from": _FROM[direction]}


class _Encrypted:
    """One direction of TLS."""

    def __init__(self) -> None:
        self._cutter = RecordCutter(KEPT)

    def hear(self, data: bytes) -> Iterator[Record]:
        for record in self._cutter.feed(data):
            yield _record_of(record)


class _Plain:
    """One direction of HTTP that becomes WebSocket."""

    def __init__(self) -> None:
        self._head: bytearray | None = bytearray()
        self._refused = False
        self._cutter = FrameCutter(KEPT)

    def hear(self, data: bytes) -> Iterator[Record]:
        if self._head is not None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                if len(self._head) > MAX_HEAD:
                    yield {"kind": "garbled"}
                    self._head, self._refused = None, True
                return
            lines = self._head[:end].decode("latin-1").split("\r\n")
            data = bytes(self._head[end + 4 :])
            self._head = None
            self._refused = lines[0].startswith("HTTP/") and " 101 " not in lines[0]
            yield {"kind": "http", "lines": lines}
        if self._refused or not data:
            return
        try:
            for frame in self._cutter.feed(data):
                yield _frame_of(frame)
        except ProtocolError:
            yield {"kind": "garbled"}


def _frame_of(frame: FrameBeginning) -> Record:
    header = frame.header
    try:
        text = frame.payload.decode() if header.opcode == 1 and header.length <= KEPT else None
    except UnicodeDecodeError:
        text = None
    return {
        "kind": "frame",
        "opcode": int(header.opcode),
        "length": header.length,
        "header": frame.head.hex(),
        "mask": header.mask.hex() if header.mask else None,
        "wire": frame.wire.hex(),
        "text": text,
    }


def _record_of(record: TLSRecord) -> Record:
    return {
        "kind": "tls",
        "type": record.type,
        "name": TYPES.get(record.type, "unknown"),
        "version": record.version,
        "length": record.length,
        "header": record.head.hex(),
        "wire": record.start[:KEPT].hex(),
        "server_name": server_name(record),
    }
