"""The contract of a store: append-only logs and rows by key, for what outlives channels.

Documents, inboxes and whatever else must not vanish with its channel's history stand on this. Keys and names are
strings, values are bytes; what they mean is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

__all__ = ["Entry", "Row", "Store", "StoreDown"]


class StoreDown(Exception):
    """The store cannot be reached, or does not answer in time. Whether a write took effect is not known."""


class Entry(NamedTuple):
    """One entry of a log.

    Attributes:
        number: Its place: greater than that of every earlier entry of the log, and never given twice.
        data: What was appended.
    """

    number: int
    data: bytes


class Row(NamedTuple):
    """One row of a table.

    Attributes:
        key: Its key.
        value: What it holds.
        version: Grows with each `put` of this key, from 1 on.
    """

    key: str
    value: bytes
    version: int


class Store(Protocol):
    """Logs and tables. A write is durable when its call has returned. Raises (all): `StoreDown`.

    Calls may be made concurrently, from the loop's thread; a cancelled write may have taken effect.
    """

    async def start(self) -> None:
        """Open it. Idempotent."""

    async def close(self) -> None:
        """Close it, when all writes that began are done. Idempotent."""

    # Logs.

    async def append(self, log: str, data: bytes, *, keep: int | None = None) -> int:
        """Append an entry to a log, which is made by it; return its number.

        Args:
            log: The log's name.
            data: The entry.
            keep: Entries that the log may hold: older ones are removed. None: no bound.
        """
        ...

    async def read(
        self, log: str, *, after: int = 0, limit: int | None = None, reverse: bool = False
    ) -> list[Entry]:
        """Read entries with numbers above ``after``, oldest first (``reverse``: newest first), ``limit`` at most."""
        ...

    async def trim(self, log: str, through: int) -> int:
        """Remove the entries up to this number, inclusive; return how many."""
        ...

    async def replace(self, log: str, through: int, data: bytes) -> int:
        """Replace the entries up to this number by one, at once, which comes before those that stay; return its number.

        That number is ``through``, so that readers who continue after it miss nothing.
        """
        ...

    async def delete_entry(self, log: str, number: int) -> bool:
        """Remove one entry; tell whether it was there."""
        ...

    async def length(self, log: str) -> int:
        """Return how many entries the log holds."""
        ...

    async def delete_log(self, log: str) -> None:
        """Remove the log. Its numbers go on, should it come to life again."""

    # Tables.

    async def put(self, table: str, key: str, value: bytes, *, expect: int | None = None) -> int | None:
        """Write a row; return its new version.

        Args:
            table: The table's name.
            key: The row's key.
            value: What it will hold.
            expect: Write only if the row's version is this one (0: if there is no such row). None: in any case.

        Returns:
            The new version, or None: the version was another, and nothing was written.
        """
        ...

    async def get(self, table: str, key: str) -> Row | None:
        """Return a row, or None."""
        ...

    async def delete(self, table: str, key: str) -> bool:
        """Remove a row; tell whether it was there. A row that comes again begins with version 1."""
        ...

    async def scan(self, table: str, *, prefix: str = "", after: str = "", limit: int = 100) -> Sequence[Row]:
        """Return rows whose key begins with ``prefix`` and stands behind ``after``, in the order of UTF-8 bytes."""
        ...
