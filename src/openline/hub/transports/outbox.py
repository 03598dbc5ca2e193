"""What waits to be sent to one client, where no engine of ours keeps it: bounded in bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Outbox"]

_AT_ONCE = 2**16
"""Bytes that are handed out together; a larger unit goes alone."""


class Outbox:
    """A queue of units with one sender, which asks for more when it has sent what it got.

    Until then that counts as unsent.

    Args:
        limit: Bytes that may be unsent.
        high: Above so many bytes the client is behind.
        on_caught_up: Called when the client was behind and a quarter of that, or less, is left.

    Attributes:
        unsent: Bytes that were put in and not sent yet.
    """

    __slots__ = (
        "_behind",
        "_finished",
        "_high",
        "_limit",
        "_on_caught_up",
        "_sending",
        "_units",
        "_waiter",
        "unsent",
    )

    def __init__(self, limit: int, high: int, on_caught_up: Callable[[], None]) -> None:
        self.unsent = 0
        self._limit = limit
        self._high = high
        self._on_caught_up = on_caught_up
        self._units: deque[bytes] = deque()
        self._sending = 0
        self._behind = False
        self._finished = False
        self._waiter: asyncio.Future[None] | None = None

    def put(self, unit: bytes) -> bool:
        """Queue a unit; after `finish` it is thrown away. False: it was not queued, since too much would be unsent."""
        if self._finished:
            return True
        if self.unsent + len(unit) > self._limit:
            return False
        self._append(unit)
        return True

    def finish(self, last: bytes = b"", *, drop: bool = False) -> None:
        """Take nothing more; what is here is sent. Idempotent.

        Args:
            last: Sent at the end, whatever the limit.
            drop: Throw away what is queued before it.
        """
        if self._finished:
            return
        self._finished = True
        if drop:
            self._units.clear()
            self.unsent = self._sending
        if last:
            self._append(last)
        self._wake()

    def _append(self, unit: bytes) -> None:
        self._units.append(unit)
        self.unsent += len(unit)
        self._behind = self._behind or self.unsent > self._high
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self) -> list[bytes]:
        """Wait for what is to be sent next, and return it; what was returned before has been sent. Empty: that was all.

        Cancel: safe.
        """
        self.unsent -= self._sending
        self._sending = 0
        if self._behind and self.unsent <= self._high // 4:
            self._behind = False
            self._on_caught_up()
        while not self._units and not self._finished:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        taken: list[bytes] = []
        while self._units and (not taken or self._sending + len(self._units[0]) <= _AT_ONCE):
            taken.append(self._units.popleft())
            self._sending += len(taken[-1])
        return taken
