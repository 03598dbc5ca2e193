"""How fast a connection may be read: who sends more is read more slowly, and nothing of it is dropped."""

from __future__ import annotations

__all__ = ["Pace"]

_BURST = 2.0
"""Seconds' worth that may come at once."""


class Pace:
    """What a connection has sent, as time: it may be ahead of the clock by some seconds.

    Args:
        update_rate: Messages a second; None: no bound.
        byte_rate: Bytes a second, likewise.
        burst: Bytes that may come at once, where that is more than 2 s' worth.
        now: Seconds of a clock that only grows.
    """

    __slots__ = ("_byte_cost", "_byte_room", "_bytes", "_message_cost", "_messages")

    def __init__(self, update_rate: float | None, byte_rate: float | None, burst: int, now: float) -> None:
        self._message_cost = 1 / update_rate if update_rate else 0.0
        self._byte_cost = 1 / byte_rate if byte_rate else 0.0
        self._byte_room = max(_BURST, burst * self._byte_cost)
        self._messages = self._bytes = now

    def spend(self, size: int, now: float) -> float:
        """Count a message that has come.

        Args:
            size: Its bytes.
            now: The clock.

        Returns:
            Seconds for which nothing more should be read; 0.0: go on.
        """
        self._messages = max(self._messages, now) + self._message_cost
        self._bytes = max(self._bytes, now) + size * self._byte_cost
        return max(self._messages - now - _BURST, self._bytes - now - self._byte_room, 0.0)
