"""Who follows a topic: an index of what stands in the users' own logs.

The log says whether somebody follows; this only says whom to look at. It may name too many, and their logs turn the
notification away. It must never name too few: so who begins to follow is put down before his log says so and once more
after, and who ends is looked at again after he was struck out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from openline.hub.stores.base import Store

__all__ = ["Followers"]

_PAGE = 500


class Followers:
    """The index.

    Args:
        store: Where it is: a table for each topic, a row for each user.
        prefix: What stands before the topic in the tables' names.
    """

    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    async def add(self, topic: str, user: str) -> None:
        """Put a user down. Idempotent.

        Raises:
            StoreDown: the store cannot be reached.
        """
        await self._store.put(self._table(topic), user, b"")

    async def remove(self, topic: str, user: str, follows: Callable[[], Awaitable[bool]]) -> None:
        """Strike a user out, unless he turns out to follow again.

        Args:
            topic: The topic.
            user: Who does not follow it any more.
            follows: Asks his log, now.

        Raises:
            StoreDown: the store cannot be reached.
        """
        await self._store.delete(self._table(topic), user)
        if await follows():
            await self.add(topic, user)

    async def of(self, topic: str) -> AsyncIterator[list[str]]:
        """Give all who may follow a topic, in order, some hundred at a time. Who comes meanwhile may be missed.

        Raises:
            StoreDown: the store cannot be reached.
        """
        after = ""
        while True:
            rows = await self._store.scan(self._table(topic), after=after, limit=_PAGE)
            if rows:
                yield [row.key for row in rows]
            if len(rows) < _PAGE:
                return
            after = rows[-1].key

    def _table(self, topic: str) -> str:
        return f"{self._prefix}-followers:{topic}"
