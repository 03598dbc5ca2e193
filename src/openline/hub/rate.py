"""How often somebody may do something: a token bucket."""

from __future__ import annotations

__all__ = ["Allowance"]

BURST = 2.0
"""Seconds' worth that may be spent at once."""


class Allowance:
    """What is left of a rate."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._left = max(rate * BURST, 1.0)
        self._at = now

    def is_whole(self, now: float) -> bool:
        """Tell whether nothing of it is spent."""
        return self._left + (now - self._at) * self._rate >= max(self._rate * BURST, 1.0)

    def take(self, now: float) -> bool:
        """Take one; False: there is none left.

        Args:
            now: Seconds of a clock that only grows.
        """
        most = max(self._rate * BURST, 1.0)
        self._left = min(self._left + (now - self._at) * self._rate, most)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
