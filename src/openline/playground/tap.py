"""What passed on a line, as records: its handshake, and the beginning of each frame, cut out of the bytes. No network in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from openline.exceptions import ProtocolError
from openline.protocol.frames import FrameHeader, apply_mask, parse_header
from openline.protocol.headers import Headers
from openline.protocol.http11 import Request, Response

KEPT = 64  # payload bytes of a frame that are shown
LONGEST_HEADER = 14  # bytes; RFC 6455, section 5.2: 2, and 8 of length, and 4 of key

Direction = Literal["in", "out"]
Record = dict[str, object]


class Tap:
    """What `line.tap` takes: called with the bytes of one line, it hands on the frames in them.

    Args:
        line: The line's number, by which the page tells its lines apart.
        put: Takes the records; must not wait.
    """

    def __init__(self, line: int, put: Callable[[Record], None]) -> None:
        self._line = line
        self._deliver = put
        self._cutters: dict[Direction, FrameCutter] = {"in": FrameCutter(), "out": FrameCutter()}

    def __call__(self, direction: Direction, data: bytes | bytearray | memoryview) -> None:
        """Take bytes of the line, as they are on the wire (with TLS: inside it)."""
        sender = "page" if direction == "in" else "server"
        for record in self._cutters[direction].feed(data):
            self._put({**record, "from": sender})

    def opened(self, request: Request, response: Response) -> None:
        """Record the opening handshake."""
        self._put(
            {
                "kind": "opened",
                "request": _message(f"{request.method} {request.path} HTTP/1.1", request.headers),
                "response": _message(f"HTTP/1.1 {response.status_code} {response.reason_phrase}", response.headers),
            }
        )

    def closed(self, code: int | None, reason: str | None) -> None:
        """Record the end of the line (RFC 6455, section 7.1.5: 1006 where no Close frame came)."""
        self._put({"kind": "closed", "code": code, "reason": reason})

    def _put(self, record: Record) -> None:
        self._deliver({**record, "line": self._line, "at": round(time.time() * 1000, 1)})


class FrameCutter:
    """Cuts the bytes of one direction into frames and keeps the beginning of each.

    It holds at most `LONGEST_HEADER + KEPT` bytes, whatever passes. What follows bytes that are no frame is not looked at.
    """

    def __init__(self) -> None:
        self._start = bytearray()  # of the frame that is being gathered
        self._header: FrameHeader | None = None
        self._passing = 0  # bytes of a frame already recorded that are still to come
        self._lost = False

    def feed(self, data: bytes | bytearray | memoryview) -> list[Record]:
        """Take what passed; return a record of each frame whose beginning is now complete."""
        records: list[Record] = []
        rest = memoryview(data)
        while len(rest) and not self._lost:
            if self._passing:
                passed = min(self._passing, len(rest))
                self._passing -= passed
            else:
                passed = self._gather(rest, records)
            rest = rest[passed:]
        return records

    def _gather(self, data: memoryview, records: list[Record]) -> int:
        """Take from `data` what the current frame still lacks, and record it when that was the last; return how much."""
        had = len(self._start)
        self._start += data[: self._wanted() - had]
        taken = len(self._start) - had
        if self._header is None:
            try:
                self._header = parse_header(self._start)
            except ProtocolError:
                self._lost = True
                records.append({"kind": "garbled", "start": self._start.hex()})
                return taken
        header = self._header
        if header is not None and len(self._start) >= self._wanted():
            excess = len(self._start) - self._wanted()  # of the next frame: gathered before this one's length was known
            del self._start[self._wanted() :]
            records.append(_describe(header, bytes(self._start)))
            self._passing = header.length - (len(self._start) - header.size)
            self._start.clear()
            self._header = None
            taken -= excess
        return taken

    def _wanted(self) -> int:
        if self._header is None:
            return LONGEST_HEADER
        return self._header.size + min(self._header.length, KEPT)


def _describe(header: FrameHeader, start: bytes) -> Record:
    wire = start[header.size :]
    return {
        "kind": "frame",
        "fin": header.fin,
        "rsv": header.rsv,
        "opcode": int(header.opcode),
        "length": header.length,
        "mask": header.mask.hex() if header.mask else None,
        "header": start[: header.size].hex(),
        "wire": wire.hex(),
        "payload": (apply_mask(wire, header.mask) if header.mask else wire).hex(),
    }


def _message(start: str, headers: Headers) -> Record:
    return {"start": start, "headers": list(headers.raw_items())}
