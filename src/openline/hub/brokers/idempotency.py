"""Which publications were made already, by their idempotency keys."""

from __future__ import annotations

from collections import OrderedDict

from openline.hub.publication import StreamPosition

__all__ = ["IDEMPOTENCY_TTL", "IdempotencyKeys"]

IDEMPOTENCY_TTL = 300.0
"""Seconds that a key is remembered; the contract of `Broker.publish`."""

_OVERHEAD = 350  # bytes of a key besides its characters: two strings, two tuples, its place in the dictionary


class IdempotencyKeys:
    """Keys of the last five minutes and what came of them; bounded in bytes, the oldest is forgotten first.

    Args:
        max_size: Bytes, by estimate.

    Attributes:
        forgotten: Keys that the bound forgot before their time.
    """

    __slots__ = ("_entries", "_max_size", "_size", "forgotten")

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._size = 0
        self._entries: OrderedDict[tuple[str, str], tuple[StreamPosition, float]] = OrderedDict()
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, channel: str, key: str, now: float) -> StreamPosition | None:
        """Return the position of the channel's publication with this key, if it was made in the last five minutes."""
        entry = self._entries.get((channel, key))
        return entry[0] if entry is not None and now < entry[1] else None

    def add(self, channel: str, key: str, position: StreamPosition, deadline: float) -> None:
        """Remember a key until ``deadline``. Must be called in the order of the deadlines."""
        name = channel, key
        if self._entries.pop(name, None) is None:
            self._size += len(channel) + len(key) + _OVERHEAD
        self._entries[name] = position, deadline
        while self._size > self._max_size:
            self._remove_oldest()
            self.forgotten += 1

    def expire(self, now: float, most: int) -> None:
        """Give back the memory of keys whose time is over, ``most`` of them."""
        entries = self._entries
        for _ in range(min(most, len(entries))):
            if now < next(iter(entries.values()))[1]:
                break
            self._remove_oldest()

    def _remove_oldest(self) -> None:
        (channel, key), _ = self._entries.popitem(last=False)
        self._size -= len(channel) + len(key) + _OVERHEAD
