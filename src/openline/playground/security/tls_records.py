"""The records of TLS (RFC 8446 section 5.1): their headers can be read by everybody, and little else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

HEADER = 5  # bytes: type, version, length
MAX_HELLO = 2**14  # bytes of a ClientHello that are looked at; a record holds no more
_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME = 22, 1, 0

TYPES = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data"}


class TLSRecord(NamedTuple):
    """A record whose header and first bytes have passed.

    Attributes:
        type: What it holds, as a number; see `TYPES`.
        version: What its header says: 0x0303 for TLS 1.2 and, by custom, 1.3.
        length: Bytes behind the header.
        head: The header as it passed.
        start: The first bytes behind it.
    """

    type: int
    version: int
    length: int
    head: bytes
    start: bytes


class RecordCutter:
    """Takes bytes of one direction, cut anywhere, and yields records. Holds at most a header and ``kept`` bytes.

    Args:
        kept: Bytes of each record that are kept; of the first, a ClientHello perhaps, up to `MAX_HELLO`.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._wanted = MAX_HELLO
        self._start = bytearray()
        self._passing = 0  # bytes of a record already yielded that are still to come

    def feed(self, data: bytes) -> Iterator[TLSRecord]:
        """Take what passed; to be iterated to its end."""
        rest = memoryview(data)
        while len(rest):
            passed = min(self._passing, len(rest))
            self._passing -= passed
            rest = rest[passed:]
            missing = self._needed() - len(self._start)
            self._start += rest[:missing]
            rest = rest[missing:]
            if len(self._start) < HEADER or len(self._start) < self._needed():
                continue
            length = int.from_bytes(self._start[3:5])
            start = bytes(self._start)
            self._start.clear()
            self._passing = length - (len(start) - HEADER)
            self._wanted = self._kept
            yield TLSRecord(start[0], int.from_bytes(start[1:3]), length, start[:HEADER], start[HEADER:])

    def _needed(self) -> int:
        if len(self._start) < HEADER:
            return HEADER
        return HEADER + min(int.from_bytes(self._start[3:5]), self._wanted)


def server_name(record: TLSRecord) -> str | None:
    """Return the name that a client asks for (RFC 6066 section 3), sent in the clear; None: there is none."""
    try:
        return _server_name(record.start) if record.type == _HANDSHAKE else None
    except (IndexError, UnicodeDecodeError):
        return None


def _server_name(hello: bytes) -> str | None:
    if hello[0] != _CLIENT_HELLO:
        return None
    at = 4 + 2 + 32  # type and length of the message, version, random
    at += 1 + hello[at]  # session id
    at += 2 + _number(hello, at)  # cipher suites
    at += 1 + hello[at]  # compression methods
    end = at + 2 + _number(hello, at)
    at += 2
    while at < end:
        kind, length = _number(hello, at), _number(hello, at + 2)
        if kind == _SERVER_NAME:
            size = _number(hello, at + 7)  # behind the list's length and the name's type
            name = hello[at + 9 : at + 9 + size]
            return name.decode("ascii") if len(name) == size else None
        at += 4 + length
    return None


def _number(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]
