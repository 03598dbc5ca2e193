"""How far each has read in each room, in the store, so that it is known on his next visit and on his other devices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import islice

import msgspec

from openline.hub.stores.base import Store

__all__ = ["MAX_READERS", "TABLE", "ReadMarks"]

TABLE = "chat-read"
"""The table: a row for each user, ``{room: milliseconds since 1970 of the newest message that he has read}``."""

MAX_READERS = 10_000
"""Users that are remembered; for one more, whoever has not read for longest is forgotten."""

_AT_ONCE = 500  # rows of one scan

_decode = msgspec.json.Decoder(dict[str, int]).decode
_encode = msgspec.json.Encoder().encode


class ReadMarks:
    """Read marks in memory, and behind them in a store. They only move forward.

    Args:
        store: Keeps them.
        most: Users that are remembered.
    """

    def __init__(self, store: Store, most: int = MAX_READERS) -> None:
        self._store = store
        self._most = most
        self._marks: dict[str, dict[str, int]] = {}  # whoever has read last comes last
        self._loaded = False
        self._lock = asyncio.Lock()

    async def of(self, room: str, users: Iterable[str]) -> dict[str, int]:
        """Return the marks of these users in a room; who has none is left out.

        Raises:
            StoreDown: the store cannot be reached.
        """
        await self._load()
        known = ((user, self._marks.get(user, {}).get(room)) for user in users)
        return {user: at for user, at in known if at is not None}

    async def move(self, room: str, user: str, at: int) -> int:
        """Move a mark forward.

        Args:
            room: The room.
            user: Whose mark.
            at: Where to. One that is not ahead of what is known changes nothing.

        Returns:
            Where it stands now.

        Raises:
            StoreDown: the store cannot be reached; the mark holds until the process ends.

        Cancel: the mark has moved; whether it is stored is not known.
        """
        await self._load()
        marks = self._marks.get(user, {})
        before = marks.get(room, 0)
        if at <= before:
            return before
        self._marks.pop(user, None)
        self._marks[user] = {**marks, room: at}
        forgotten = list(islice(self._marks, max(len(self._marks) - self._most, 0)))
        for one in forgotten:
            del self._marks[one]
        # One write after the other, each of what holds by then: an older one never comes last.
        async with self._lock:
            for one in (user, *forgotten):
                if now := self._marks.get(one):
                    await self._store.put(TABLE, one, _encode(now))
                else:
                    await self._store.delete(TABLE, one)
        return at

    async def _load(self) -> None:
        if self._loaded:
            return
        async with self._lock:
            if self._loaded:
                return
            found: dict[str, dict[str, int]] = {}
            after = ""
            while rows := await self._store.scan(TABLE, after=after, limit=_AT_ONCE):
                found.update((row.key, _decode(row.value)) for row in rows)
                after = rows[-1].key
            self._marks = dict(sorted(found.items(), key=lambda one: max(one[1].values(), default=0)))
            self._loaded = True
