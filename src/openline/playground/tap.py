"""What passed on a line, as records: its handshake, and the beginning of each frame. No network in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from itertools import islice
from typing import Literal

from openline.exceptions import ProtocolError
from openline.protocol.headers import Headers
from openline.protocol.http11 import Request, Response
from openline.websocket.frame_cutter import FrameBeginning, FrameCutter

KEPT = 64  # payload bytes of a frame that are shown
MAX_FIELDS = 40  # header fields of a handshake that are shown ...
MAX_FIELD = 400  # ... and characters of each, and of its first line: hundreds of records may wait

# What a browser keeps from its scripts, the inspector keeps from them, too.
_SECRETS = frozenset({"authorization", "cookie"})
_HIDDEN = "(kept from scripts)"

Direction = Literal["in", "out"]
Record = dict[str, object]


class Tap:
    """What ``ws.tap`` takes: called with the bytes of one line, it hands on the frames in them.

    Args:
        line: The line's number, by which the page tells its lines apart.
        put: Takes the records; must not wait.
    """

    def __init__(self, line: int, put: Callable[[Record], None]) -> None:
        self._line = line
        self._deliver = put
        self._cutters: dict[Direction, FrameCutter] = {"in": FrameCutter(KEPT), "out": FrameCutter(KEPT)}

    def __call__(self, direction: Direction, data: bytes | bytearray | memoryview) -> None:
        """Take bytes of the line, as they are on the wire (with TLS: inside it)."""
        sender = "page" if direction == "in" else "server"
        try:
            for frame in self._cutters[direction].feed(data):
                self._put({**_describe(frame), "from": sender})
        except ProtocolError as error:
            self._put({"kind": "garbled", "from": sender, "why": str(error)})

    def opened(self, request: Request, response: Response, samples: Collection[str]) -> None:
        """Record the opening handshake, and which samples there are for this line."""
        self._put(
            {
                "kind": "opened",
                "samples": list(samples),
                "request": _message(f"{request.method} {request.path} HTTP/1.1", request.headers),
                "response": _message(
                    f"HTTP/1.1 {response.status_code} {response.reason_phrase}", response.headers
                ),
            }
        )

    def refused(self, request: Request, seconds: float) -> None:
        """Record a handshake that was answered with 503: for so many seconds more, there is no line."""
        request_head = _message(f"{request.method} {request.path} HTTP/1.1", request.headers)
        self._put({"kind": "refused", "request": request_head, "seconds": round(seconds, 1)})

    def closed(self, code: int | None, reason: str | None) -> None:
        """Record the end of the line (RFC 6455 section 7.1.5: 1006 where no Close frame came)."""
        self._put({"kind": "closed", "code": code, "reason": reason})

    def _put(self, record: Record) -> None:
        self._deliver({**record, "line": self._line, "at": round(time.time() * 1000, 1)})


def _describe(frame: FrameBeginning) -> Record:
    header = frame.header
    return {
        "kind": "frame",
        "fin": header.fin,
        "rsv": header.rsv,
        "opcode": int(header.opcode),
        "length": header.length,
        "mask": header.mask.hex() if header.mask else None,
        "header": frame.head.hex(),
        "wire": frame.wire.hex(),
        "payload": frame.payload.hex(),
    }


def _message(start: str, headers: Headers) -> Record:
    shown = [
        (_cut(name), _HIDDEN if name.lower() in _SECRETS else _cut(value))
        for name, value in islice(headers.raw_items(), MAX_FIELDS)
    ]
    # Each line ends with two bytes, and an empty one ends the head (RFC 9112 section 2.1).
    lines = [start, *(f"{name}: {value}" for name, value in headers.raw_items()), ""]
    return {"start": _cut(start), "headers": shown, "size": sum(len(line) + 2 for line in lines)}


def _cut(text: str) -> str:
    return text if len(text) <= MAX_FIELD else f"{text[:MAX_FIELD]}…"
