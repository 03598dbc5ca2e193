"""What documents count: plain numbers that only grow, for who wants to show them."""

from __future__ import annotations

__all__ = ["DocumentCounters"]


class DocumentCounters:
    """What happened on this node.

    Attributes:
        opened: Connections that were let in.
        loaded: Documents that were read from the store.
        unloaded: Documents that left the memory.
        updates: Updates that brought something new.
        stored: Entries that were appended to logs.
        compacted: Times that a log was made one entry.
        relayed: Updates that were handed to connections, and how often.
        throttled: Times that a connection was read more slowly.
        refused: Awareness entries that were passed over.
        closes: Connections that were closed here, by code.
        store_errors: Times that the store could not be reached or failed.
        gaps: Times that something of other nodes was missed, and read from the store.
    """

    __slots__ = (
        "closes",
        "compacted",
        "gaps",
        "loaded",
        "opened",
        "refused",
        "relayed",
        "store_errors",
        "stored",
        "throttled",
        "unloaded",
        "updates",
    )

    def __init__(self) -> None:
        self.opened = self.loaded = self.unloaded = 0
        self.updates = self.stored = self.compacted = self.relayed = 0
        self.throttled = self.refused = self.store_errors = self.gaps = 0
        self.closes: dict[int, int] = {}

    def count_close(self, code: int) -> None:
        """Count a connection that was closed."""
        self.closes[code] = self.closes.get(code, 0) + 1
