"""A clock that stands still until it is moved."""

from __future__ import annotations

__all__ = ["FakeClock"]


class FakeClock:
    """Give it to what takes a ``clock``, in place of `time.monotonic` or `time.time`, and move it by hand.

    Args:
        now: What it shows at first, in seconds.
    """

    def __init__(self, now: float = 1_000_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let this much time pass.

        Raises:
            ValueError: ``seconds`` is negative: a clock that goes back would test something else.
        """
        if seconds < 0:
            raise ValueError("a clock does not go back")
        self._now += seconds
