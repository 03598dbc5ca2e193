"""How often somebody may do something: a token bucket."""

from __future__ import annotations

__all__ = ["Allowance"]

BURST = 2.0
"""Seconds' worth that may be spent at once."""


class Allowance:
    """What is left of a rate.

    Args:
        rate: How many a second, in the long run.
        now: Seconds of a clock that only grows.
        burst: Seconds' worth that may be spent at once; it is there from the start.
    """

    __slots__ = ("_at", "_left", "_most", "_rate")

    def __init__(self, rate: float, now: float, burst: float = BURST) -> None:
        self._rate = rate
        self._left = self._most = max(rate * burst, 1.0)
        self._at = now

    def is_whole(self, now: float) -> bool:
        """Tell whether nothing of it is spent."""
        return self._left + (now - self._at) * self._rate >= self._most

    def take(self, now: float) -> bool:
        """Take one; False: there is none left.

        Args:
            now: Seconds of a clock that only grows.
        """
        left = self._left + (now - self._at) * self._rate
        if left > self._most:
            left = self._most
        self._at = now
        if left < 1.0:
            self._left = left
            return False
        self._left = left - 1.0
        return True
