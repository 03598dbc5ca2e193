"""When a room ticks: at a fixed rate of a clock that only grows, and how late it was.

A tick is due at ``start + n / rate``, so that an error of one does not add to the next. What is late is caught up, a
few ticks at once; what is later than that is left out, so that a room that cannot keep up gets slower instead of
falling ever further behind.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

__all__ = ["REMEMBERED", "Lateness", "Metronome"]

REMEMBERED = 1024
"""Ticks whose lateness is known."""


class Lateness(NamedTuple):
    """How late the newest ticks began, in seconds; all 0.0 before the first.

    Attributes:
        p50: Half of them were not later.
        p99: All but one in a hundred.
        most: The latest.
        left_out: Ticks that were left out since the room was opened.
    """

    p50: float
    p99: float
    most: float
    left_out: int


class Metronome:
    """The beats of one room, without a timer: it is asked what is due.

    Args:
        rate: Ticks a second.
        now: Seconds of a clock that only grows. The first tick is due one period later.
        catch_up: Ticks that are caught up at once.

    Raises:
        ValueError: ``rate`` or ``catch_up`` is below 1.

    Attributes:
        period: Seconds of a tick.
        left_out: Ticks that were left out, since too many were due.
    """

    def __init__(self, rate: float, now: float, *, catch_up: int = 4) -> None:
        if rate < 1 or catch_up < 1:
            raise ValueError("a room ticks at least once a second, and catches up one tick or more")
        self.period = 1 / rate
        self.left_out = 0
        self._rate = rate
        self._catch_up = catch_up
        self._start = now
        self._done = 0
        self._late: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def next(self) -> float:
        """When the next tick is due."""
        return self._start + (self._done + 1) / self._rate

    def beat(self, now: float) -> int:
        """Take what is due; returns how many ticks are to be run now, one after the other."""
        late = now - self.next
        if late < 0:
            return 0
        self._late.append(late)
        due = int((now - self._start) * self._rate + 1e-9) - self._done
        due = max(due, 1)
        self._done += due
        if due > self._catch_up:
            self.left_out += due - self._catch_up
            due = self._catch_up
        return due

    def forget(self) -> None:
        """Measure lateness anew."""
        self._late.clear()

    @property
    def lateness(self) -> Lateness:
        """How late the newest `REMEMBERED` beginnings of ticks were."""
        late = sorted(self._late)
        if not late:
            return Lateness(0.0, 0.0, 0.0, self.left_out)
        last = len(late) - 1
        return Lateness(late[last // 2], late[int(last * 0.99)], late[-1], self.left_out)
