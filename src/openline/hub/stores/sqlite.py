"""The store in a file, alone or in that of a SQLite broker."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from openline.hub.sqlite.database import CALL_SIZE, Database, Settings
from openline.hub.sqlite.schema import Synchronous
from openline.hub.stores.base import Entry, Row, StoreDown
from openline.hub.stores.sqlite_logs import LogWriter

__all__ = ["SQLiteStore"]


class SQLiteStore:
    """Logs and tables in a file. See the contract, `openline.hub.stores.base.Store`.

    Calls of one turn of the loop share a transaction, and so does what comes while one commits: many at once cost
    little more than one. All of it happens in a thread, that of the broker where both have one file; then the options
    of who starts first count.

    An answer holds what was asked for: give `read` a ``limit`` where it may be much. A log that was deleted leaves its
    name and last number behind, about 50 bytes.

    Args:
        path: The file; it is made where it does not exist. One process owns it.
        synchronous: What a write waits for, as of `openline.hub.brokers.sqlite.SQLiteBroker`. With ``normal`` the last
            writes before a loss of power may be lost; then numbers of logs may be given again.
        max_size: Bytes that the file may have: then writes raise `StoreDown`. None: no bound.
        max_waiting: Bytes of writes that may wait for the thread: then further calls raise `StoreDown`.
    """

    def __init__(
        self,
        path: str,
        *,
        synchronous: Synchronous | None = "full",
        max_size: int | None = 16 * 2**30,
        max_waiting: int = 64 * 2**20,
    ) -> None:
        self._path = path
        self._settings = Settings(synchronous, max_size, max_waiting)
        self._database: Database | None = None
        self._logs: LogWriter

    async def start(self) -> None:
        """See `Store.start`.

        Raises:
            StoreDown: The file cannot be used: somebody has it, it is damaged, or not ours.
        """
        if self._database is not None:
            return
        database = await Database.acquire(self._path, "store", self._settings, StoreDown)
        try:
            self._logs = LogWriter(database.writer)
            await database.enter(self._logs, StoreDown, self._logs.load)
        except BaseException:
            await database.release("store")
            raise
        self._database = database

    async def close(self) -> None:
        """See `Store.close`."""
        database, self._database = self._database, None
        if database is None:
            return
        try:
            await database.leave(self._logs, StoreDown)
        finally:
            await database.release("store")

    def _running(self) -> Database:
        if self._database is None:
            raise StoreDown("the store is not started, or was closed")
        return self._database

    # Logs.

    async def append(self, log: str, data: bytes, *, keep: int | None = None) -> int:
        """See `Store.append`."""
        database = self._running()
        return await database.call(
            partial(self._logs.append, log, data, keep), StoreDown, CALL_SIZE + len(data)
        )

    async def read(
        self, log: str, *, after: int = 0, limit: int | None = None, reverse: bool = False
    ) -> list[Entry]:
        """See `Store.read`."""
        database = self._running()
        return await database.call(partial(self._logs.read, log, after, limit, reverse), StoreDown)

    async def trim(self, log: str, through: int) -> int:
        """See `Store.trim`."""
        database = self._running()
        return await database.call(partial(self._logs.trim, log, through), StoreDown)

    async def replace(self, log: str, through: int, data: bytes) -> int:
        """See `Store.replace`."""
        database = self._running()
        return await database.call(
            partial(self._logs.replace, log, through, data), StoreDown, CALL_SIZE + len(data)
        )

    async def delete_entry(self, log: str, number: int) -> bool:
        """See `Store.delete_entry`."""
        database = self._running()
        return await database.call(partial(self._logs.delete_entry, log, number), StoreDown)

    async def length(self, log: str) -> int:
        """See `Store.length`."""
        database = self._running()
        return await database.call(partial(self._logs.length, log), StoreDown)

    async def delete_log(self, log: str) -> None:
        """See `Store.delete_log`."""
        database = self._running()
        await database.call(partial(self._logs.delete_log, log), StoreDown)

    # Tables.

    async def put(self, table: str, key: str, value: bytes, *, expect: int | None = None) -> int | None:
        """See `Store.put`."""
        database = self._running()
        return await database.call(
            partial(self._logs.put, table, key.encode(), value, expect), StoreDown, CALL_SIZE + len(value)
        )

    async def get(self, table: str, key: str) -> Row | None:
        """See `Store.get`."""
        database = self._running()
        found = await database.call(partial(self._logs.get, table, key.encode()), StoreDown)
        return None if found is None else Row(key, *found)

    async def delete(self, table: str, key: str) -> bool:
        """See `Store.delete`."""
        database = self._running()
        return await database.call(partial(self._logs.delete, table, key.encode()), StoreDown)

    async def scan(self, table: str, *, prefix: str = "", after: str = "", limit: int = 100) -> Sequence[Row]:
        """See `Store.scan`."""
        database = self._running()
        return await database.call(
            partial(self._logs.scan, table, prefix.encode(), after.encode(), limit), StoreDown
        )
