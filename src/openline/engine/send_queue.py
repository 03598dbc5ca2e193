"""What a portable line has queued above its transport: frames in order, and the pings and pongs that overtake them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openline.engine.base import BytesLike
    from openline.protocol.frames import Opcode

__all__ = ["SendQueue"]

BATCH = 2**16
"""Bytes up to which frames are joined for one write: large enough to spare calls, small enough that a ping does not
wait behind more than this, or one frame."""


class SendQueue:
    """Chunks of whole frames, first in, first out; its bound is the line's `max_unsent`.

    A ping or a pong is *urgent*: it leaves before all other chunks. One of each can wait: a newer one replaces it, as
    RFC 6455 section 5.5.3 allows for pongs, and as is right for pings, since the answer to the newer acknowledges both.

    Attributes:
        size: Bytes that wait.
    """

    __slots__ = ("_chunks", "_urgent", "size")

    def __init__(self) -> None:
        self._chunks: deque[BytesLike] = deque()
        self._urgent: dict[Opcode, bytes] = {}
        self.size = 0

    def push(self, frames: BytesLike) -> None:
        """Add whole frames behind all others."""
        self._chunks.append(frames)
        self.size += len(frames)

    def push_urgent(self, opcode: Opcode, frame: bytes) -> int:
        """Let a ping or a pong be the next to leave; returns how many more bytes wait now."""
        more = len(frame) - len(self._urgent.get(opcode, b""))
        self._urgent[opcode] = frame
        self.size += more
        return more

    def pop(self) -> BytesLike | None:
        """Take what is to be written next: urgent frames, or chunks up to `BATCH` in all; None: nothing waits."""
        batch: list[BytesLike] = []
        room = BATCH
        if self._urgent:
            batch.extend(self._urgent.values())
            self._urgent.clear()
            room -= sum(map(len, batch))
        while self._chunks and (not batch or len(self._chunks[0]) <= room):
            chunk = self._chunks.popleft()
            room -= len(chunk)
            batch.append(chunk)
        if not batch:
            return None
        taken = batch[0] if len(batch) == 1 else b"".join(batch)
        self.size -= len(taken)
        return taken

    def clear(self) -> None:
        """Throw away all that waits."""
        self._chunks.clear()
        self._urgent.clear()
        self.size = 0
