"""A market of 500 symbols that does not exist: prices walk at random."""

from __future__ import annotations

import random
import time
from typing import Any

__all__ = ["SYMBOLS", "Market"]

SYMBOLS = 500

_STRIDE = 0.001
_DRAW = 0.0002

_FIRST = (
    "Alder Birch Cobalt Delta Ember Fjord Garnet Harbor Indigo Juniper Kestrel Lumen Maple Nimbus Onyx Poplar"
).split()
_SECOND = (
    "Air Bank Cargo Data Energy Foods Glass Health Iron Juice Kites Labs Motors Nets Optics Paper".split()
)


class Market:
    """What each symbol costs, and how often that has changed.

    Args:
        seed: Of the prices to begin with and of all that follows; None: another each time.

    Attributes:
        changes: How many there were.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.changes = 0
        self._random = random.Random(seed)
        self._names = _names()
        self._channels = [f"market:{name}" for name in self._names]
        self._opened = [round(self._random.lognormvariate(4.4, 0.7), 2) for _ in range(SYMBOLS)]
        self._prices = list(self._opened)
        self._numbers = [0] * SYMBOLS

    def listing(self) -> list[tuple[str, str, float]]:
        """Return each symbol, what it stands for, and its price when the market opened."""
        return [
            (symbol, name, opened)
            for (symbol, name), opened in zip(self._names.items(), self._opened, strict=True)
        ]

    def move(self, count: int) -> list[tuple[str, Any]]:
        """Let so many prices change; return each with its channel.

        ``n`` counts the changes of a symbol, so that a page knows how many it did not see; ``t`` is when it changed, in
        milliseconds since 1970.
        """
        channels, prices, numbers, opened = self._channels, self._prices, self._numbers, self._opened
        now = int(time.time() * 1000)
        changes: list[tuple[str, Any]] = []
        throw = self._random.random
        for _ in range(count):
            which = int(throw() * SYMBOLS)
            price = prices[which]
            # Drawn back a little to where it began: the market is to be alive for days.
            price += price * _STRIDE * (throw() - 0.5) + (opened[which] - price) * _DRAW
            prices[which] = price
            number = numbers[which] = numbers[which] + 1
            changes.append((channels[which], {"n": number, "p": round(price, 2), "t": now}))
        self.changes += count
        return changes


def _names() -> dict[str, str]:
    """Make up symbols and names: ``ALAI`` is Alder Air, ``ALAX`` a second kind of its shares."""
    pairs = [(first, second) for first in _FIRST for second in _SECOND]
    names = {f"{first[:2]}{second[:2]}".upper(): f"{first} {second}" for first, second in pairs}
    names |= {f"{first[:2]}{second[0]}X".upper(): f"{first} {second} B" for first, second in pairs}
    return dict(list(names.items())[:SYMBOLS])
