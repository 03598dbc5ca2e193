"""Latencies, counted by size: however many come, the memory stays the same."""

from __future__ import annotations

from collections.abc import Iterator

# Each power of two is cut into 2**_BITS equal parts, so a value is known to 1/32, about 3 %.
_BITS = 5
_PARTS = 1 << _BITS

# Nanoseconds up to 2**40: about 18 minutes. Longer ones are counted as that.
_LONGEST = (1 << 40) - 1


def _index(nanoseconds: int) -> int:
    shift = max(0, nanoseconds.bit_length() - _BITS - 1)
    return (shift << _BITS) + (nanoseconds >> shift)


def _upper_edge(index: int) -> int:
    shift = max(0, (index >> _BITS) - 1)
    return ((index - (shift << _BITS) + 1) << shift) - 1


class Histogram:
    """Counts durations; answers which part of them was shorter than what."""

    def __init__(self) -> None:
        self._counts = [0] * (_index(_LONGEST) + 1)
        self.count = 0
        self.total = 0.0
        self.shortest = float("inf")
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._counts[_index(min(max(0, int(seconds * 1e9)), _LONGEST))] += 1
        self.count += 1
        self.total += seconds
        self.shortest = min(self.shortest, seconds)
        self.longest = max(self.longest, seconds)

    @property
    def mean(self) -> float:
        """Seconds; 0 where nothing was counted."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """Return what ``percent`` of the durations do not exceed, in seconds; 0 where nothing was counted.

        Args:
            percent: Above 0, at most 100.
        """
        wanted = self.count * percent / 100
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_upper_edge(index) / 1e9, self.longest)
        return 0.0

    def rows(self) -> Iterator[tuple[float, int]]:
        """Yield (upper edge in seconds, count) for a drawing: four rows for each power of two that occurs.

        Rows without a count between others are yielded too, so that gaps are seen.
        """
        step = _PARTS // 4
        used = [index // step for index, count in enumerate(self._counts) if count]
        if not used:
            return
        for row in range(used[0], used[-1] + 1):
            yield _upper_edge(row * step + step - 1) / 1e9, sum(self._counts[row * step : (row + 1) * step])
