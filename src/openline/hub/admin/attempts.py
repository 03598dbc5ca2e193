"""How often somebody may try the password."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Attempts"]

PER_ADDRESS = 5
"""Failures of one address in a `WINDOW`."""

OVER_ALL = 50
"""Failures of all addresses together in a `WINDOW`: behind a proxy all have one, and a botnet has many."""

WINDOW = 60.0
"""Seconds."""

MOST_ADDRESSES = 1024
"""Addresses that are remembered; the one that was quiet for longest is forgotten."""


class Attempts:
    """Counts failed attempts in fixed windows.

    Times are given, in seconds of any clock that does not go back.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._all = (0.0, 0)

    def wait(self, address: str, now: float) -> float:
        """Return the seconds until this address may try; 0.0: now."""
        of_all = _left(self._all, OVER_ALL, now)
        return max(of_all, _left(self._failures.get(address, (0.0, 0)), PER_ADDRESS, now))

    def fail(self, address: str, now: float) -> None:
        """Count a failure."""
        self._all = _counted(self._all, now)
        self._failures[address] = _counted(self._failures.get(address, (0.0, 0)), now)
        self._failures.move_to_end(address)
        if len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)

    def succeed(self, address: str) -> None:
        """Forget the failures of an address."""
        self._failures.pop(address, None)


def _counted(window: tuple[float, int], now: float) -> tuple[float, int]:
    began, count = window
    return (began, count + 1) if count and now < began + WINDOW else (now, 1)


def _left(window: tuple[float, int], most: int, now: float) -> float:
    began, count = window
    return max(began + WINDOW - now, 0.0) if count >= most else 0.0
