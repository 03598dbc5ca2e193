"""The deadlines of all portable lines of one loop: one heap, and one timer of the loop for the nearest.

A line has one deadline at a time, and moves it often: each ping, each handshake, each close. With a timer of the loop
for each, thousands of idle connections would mean thousands of handles and cancelled leftovers in the loop's own heap.
"""

from __future__ import annotations

import asyncio
import heapq
import weakref
from collections.abc import Callable

__all__ = ["Deadline", "Deadlines"]

# Entries that no longer count are swept out when they are this many and the majority: amortised constant time.
_SWEEP_AT = 64


class Deadline:
    """One deadline in the heap.

    Attributes:
        due: `loop.time()` at which it is over.
        reached: Called then, without arguments; None: it no longer counts.
    """

    __slots__ = ("due", "reached")

    def __init__(self, due: float, reached: Callable[[], None]) -> None:
        self.due = due
        self.reached: Callable[[], None] | None = reached

    def __lt__(self, other: Deadline) -> bool:
        return self.due < other.due


class Deadlines:
    """The deadlines of one loop. It lives as long as somebody holds it: the lines do, the loop does not."""

    __slots__ = ("__weakref__", "_dead", "_heap", "_loop", "_timer", "_timer_due")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[Deadline] = []
        self._dead = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0

    @staticmethod
    def of(loop: asyncio.AbstractEventLoop) -> Deadlines:
        """Return the deadlines of ``loop``: the same object for all who hold it at the same time."""
        reference = _deadlines.get(loop)
        deadlines = reference() if reference is not None else None
        if deadlines is None:
            deadlines = Deadlines(loop)
            _deadlines[loop] = weakref.ref(deadlines)
        return deadlines

    def __len__(self) -> int:
        """How many deadlines are to come."""
        return len(self._heap) - self._dead

    def add(self, delay: float, reached: Callable[[], None]) -> Deadline:
        """Call ``reached`` in ``delay`` seconds; at once means in the next turn of the loop."""
        deadline = Deadline(self._loop.time() + delay, reached)
        heapq.heappush(self._heap, deadline)
        if self._heap[0] is deadline:
            self._set_timer()
        return deadline

    def remove(self, deadline: Deadline) -> None:
        """Take a deadline away; nothing happens if it is over or removed already."""
        if deadline.reached is None:
            return
        deadline.reached = None
        self._dead += 1
        if self._dead > _SWEEP_AT and 2 * self._dead > len(self._heap):
            self._heap = [one for one in self._heap if one.reached is not None]
            heapq.heapify(self._heap)
            self._dead = 0
            self._set_timer()
        elif self._dead == len(self._heap):
            self._heap.clear()
            self._dead = 0
            self._set_timer()

    def _set_timer(self) -> None:
        """Have the loop's timer wait for the first of the heap."""
        due = self._heap[0].due if self._heap else None
        if self._timer is not None:
            # An earlier timer than needed looks at the heap and sets itself anew: cheaper than a new one each time.
            if due is not None and self._timer_due <= due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer_due = due
            self._timer = self._loop.call_at(due, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        # A timer may fire a little early, by the resolution of the clock (asyncio counts such as due).
        now = max(now, self._timer_due)
        try:
            while self._heap and self._heap[0].due <= now:
                deadline = heapq.heappop(self._heap)
                reached, deadline.reached = deadline.reached, None
                if reached is None:
                    self._dead -= 1
                else:
                    reached()
        finally:
            self._set_timer()


_deadlines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Deadlines]] = (
    weakref.WeakKeyDictionary()
)
