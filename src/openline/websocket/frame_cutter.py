"""Cuts the bytes of one direction into frames, and keeps only the beginning of each: for logs and for inspectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from openline.exceptions import ProtocolError
from openline.protocol.frames import FrameHeader, apply_mask, parse_header

if TYPE_CHECKING:
    from openline.engine.base import BytesLike

__all__ = ["FrameBeginning", "FrameCutter"]

LONGEST_HEADER = 14
"""Bytes: 2, and 8 of length, and 4 of masking key (RFC 6455 section 5.2)."""


class FrameBeginning(NamedTuple):
    """A frame whose header and first payload bytes have passed.

    Attributes:
        header: The header, understood.
        head: The same as it passed.
        wire: The first payload bytes as they passed.
    """

    header: FrameHeader
    head: bytes
    wire: bytes

    @property
    def payload(self) -> bytes:
        """The first payload bytes, unmasked."""
        return self.wire if self.header.mask is None else apply_mask(self.wire, self.header.mask)


class FrameCutter:
    """Takes bytes that are cut anywhere. Holds at most a header and ``kept`` bytes, whatever passes.

    Args:
        kept: Payload bytes to keep of a frame; 0: none.
    """

    __slots__ = ("_header", "_kept", "_lost", "_passing", "_start")

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._start = bytearray()  # of the frame that is being gathered
        self._header: FrameHeader | None = None
        self._passing = 0  # bytes of a frame already yielded that are still to come
        self._lost = False

    def feed(self, data: BytesLike) -> Iterator[FrameBeginning]:
        """Take what passed, and yield each frame whose beginning is complete; to be iterated to its end.

        Raises:
            ProtocolError: these are no frames (section 5.2). Nothing that follows is looked at.
        """
        rest = memoryview(data)
        while len(rest) and not self._lost:
            passed = min(self._passing, len(rest))
            self._passing -= passed
            rest = rest[passed:]
            had = len(self._start)
            self._start += rest[: self._wanted() - had]
            header = self._header = self._header or self._parse()
            wanted = self._wanted()
            if header is None or len(self._start) < wanted:
                rest = rest[len(self._start) - had :]
                continue
            # What was gathered before the length was known may belong to the next frame.
            rest = rest[wanted - had :]
            start = bytes(self._start[:wanted])
            self._passing = header.size + header.length - wanted
            self._start.clear()
            self._header = None
            yield FrameBeginning(header, start[: header.size], start[header.size :])

    def _parse(self) -> FrameHeader | None:
        try:
            return parse_header(bytes(self._start))
        except ProtocolError:
            self._lost = True
            raise

    def _wanted(self) -> int:
        """Bytes of the current frame that are to be gathered, as far as its length is known."""
        if self._header is None:
            return LONGEST_HEADER
        return self._header.size + min(self._header.length, self._kept)
