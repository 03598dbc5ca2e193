"""How documents stand in a store.

=================================  =======================================================
log ``document:<name>``            entries, each the updates of one moment; the first may be the full state
log ``document-states:<name>``     an entry for each version: its full state
table ``document-versions:<name>`` a row for each version, by its number
=================================  =======================================================

An entry is ``1``, the number of shared types that its updates make, whether some of them waited for others, and the
updates, each behind its length.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from openline.documents.lib0 import Malformed, read_bytes, read_number, write_bytes, write_number

if TYPE_CHECKING:
    from openline.hub.stores.base import Store

__all__ = ["DocumentLog", "Saved", "Version", "Versions"]

_FORMAT = 1
_AT_ONCE = 256
"""Entries that are read at a time."""

_PAGE = 100


class Saved(NamedTuple):
    """An entry of a document's log.

    Attributes:
        number: Its number in the log.
        updates: Its updates.
        types: How many shared types they make, at most.
        waits: Whether any of them waited for others when it was stored.
        size: Bytes of the entry.
    """

    number: int
    updates: list[bytes]
    types: int
    waits: bool
    size: int


class DocumentLog:
    """The updates of one document.

    Args:
        store: The store.
        name: The document's name.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._log = f"document:{name}"

    async def append(self, updates: Sequence[bytes], types: int, *, waits: bool = False) -> int:
        """Append updates, at once; they are durable when this returns. Returns the entry's number.

        Raises:
            StoreDown: whether they were appended is not known.
        """
        return await self._store.append(self._log, _encode(updates, types, waits))

    async def read(self, after: int) -> AsyncIterator[Saved]:
        """Read the entries with numbers above ``after``, the oldest first.

        Raises:
            StoreDown: it cannot be read.
            Malformed: an entry is none of ours.
        """
        while True:
            entries = await self._store.read(self._log, after=after, limit=_AT_ONCE)
            for number, data in entries:
                after = number
                yield Saved(number, *_decode(data), len(data))
            if len(entries) < _AT_ONCE:
                return

    async def replace(
        self, through: int, updates: Sequence[bytes], types: int, *, waits: bool = False
    ) -> None:
        """Replace all entries up to this number, at once, by one.

        Raises:
            StoreDown: whether they were is not known.
        """
        await self._store.replace(self._log, through, _encode(updates, types, waits))


def _encode(updates: Sequence[bytes], types: int, waits: bool) -> bytes:
    head = (write_number(_FORMAT), write_number(types), write_number(waits))
    return b"".join((*head, *map(write_bytes, updates)))


def _decode(data: bytes) -> tuple[list[bytes], int, bool]:
    kind, at = read_number(data, 0)
    if kind != _FORMAT:
        raise Malformed(f"an entry of format {kind} is not known")
    types, at = read_number(data, at)
    waits, at = read_number(data, at)
    updates: list[bytes] = []
    while at < len(data):
        update, at = read_bytes(data, at)
        updates.append(update)
    return updates, types, bool(waits)


class Version(msgspec.Struct, frozen=True):
    """A version of a document.

    Attributes:
        number: Names it; grows.
        label: What it is called.
        author: Who saved it; empty: nobody in particular.
        time: When, in seconds since 1970.
        size: Bytes of its full state.
    """

    number: int
    label: str
    author: str
    time: float
    size: int


class Versions:
    """The versions of one document.

    Args:
        store: The store.
        name: The document's name.
        most: How many are kept.
    """

    def __init__(self, store: Store, name: str, most: int) -> None:
        self._store = store
        self._states = f"document-states:{name}"
        self._table = f"document-versions:{name}"
        self._most = most

    async def save(self, state: bytes, label: str, author: str) -> Version:
        """Keep a full state; the oldest go, where there are more than may be.

        Raises:
            StoreDown: it was not saved, or that is not known.
        """
        number = await self._store.append(self._states, state, keep=self._most)
        version = Version(number, label, author, time.time(), len(state))
        # The state is there by now: what is listed can be restored.
        await self._store.put(self._table, _key(number), msgspec.json.encode(version))
        for old in (await self.all())[: -self._most]:
            await self._store.delete(self._table, _key(old.number))
        return version

    async def all(self) -> list[Version]:
        """Return them, the oldest first.

        Raises:
            StoreDown: they cannot be read.
        """
        versions: list[Version] = []
        after = ""
        while True:
            rows = await self._store.scan(self._table, after=after, limit=_PAGE)
            versions += [msgspec.json.decode(row.value, type=Version) for row in rows]
            if len(rows) < _PAGE:
                return versions
            after = rows[-1].key

    async def state(self, number: int) -> bytes | None:
        """Return the full state of a version; None: there is none of this number.

        Raises:
            StoreDown: it cannot be read.
        """
        entries = await self._store.read(self._states, after=number - 1, limit=1)
        return entries[0].data if entries and entries[0].number == number else None


def _key(number: int) -> str:
    return f"{number:016d}"
