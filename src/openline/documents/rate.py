"""How fast a connection may be read: who sends more is read more slowly, and nothing of it is dropped."""

from __future__ import annotations

__all__ = ["Pace"]

_BURST = 2.0
"""Seconds' worth that may come at once."""


class Pace:
    """What a connection has sent, as time: it may be ahead of the clock by some seconds.

    Args:
        update_rate: Updates a second; None: no bound.
        byte_rate: Bytes a second, likewise.
        burst: Bytes that may come at once, where that is more than 2 s' worth.
        now: Seconds of a clock that only grows.
    """

    __slots__ = ("_byte_cost", "_byte_room", "_bytes", "_update_cost", "_updates")

    def __init__(self, update_rate: float | None, byte_rate: float | None, burst: int, now: float) -> None:
        self._update_cost = 1 / update_rate if update_rate else 0.0
        self._byte_cost = 1 / byte_rate if byte_rate else 0.0
        self._byte_room = max(_BURST, burst * self._byte_cost)
        self._updates = self._bytes = now

    def spend(self, size: int, updates: int, now: float) -> float:
        """Count a frame that has come.

        Args:
            size: Its bytes.
            updates: How many updates are in it.
            now: The clock.

        Returns:
            Seconds for which nothing more should be read; 0.0: go on.
        """
        self._updates = max(self._updates, now) + updates * self._update_cost
        self._bytes = max(self._bytes, now) + size * self._byte_cost
        return max(self._updates - now - _BURST, self._bytes - now - self._byte_room, 0.0)
