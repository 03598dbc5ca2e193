"""The store that forgets with its process: for tests, and for what need not last."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from openline.hub.stores.base import Entry, Row, StoreDown

__all__ = ["MemoryStore"]

_LOG = 400  # bytes of an empty log, or of a table, besides its name
_ENTRY = 150  # bytes of an entry or a row besides its data


class _Log:
    """Entries by number, and the numbers in order."""

    __slots__ = ("data", "last", "numbers")

    def __init__(self) -> None:
        self.last = 0
        self.numbers: list[int] = []
        self.data: dict[int, bytes] = {}


class _Table:
    """Rows by key, and the keys in order: that of code points is that of UTF-8 bytes."""

    __slots__ = ("keys", "rows")

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.rows: dict[str, Row] = {}


class MemoryStore:
    """Logs and tables in this process. No call suspends. See the contract, `openline.hub.stores.base.Store`.

    Args:
        max_size: Bytes that all may take, by estimate: a write beyond it raises `StoreDown`, and is not made.
    """

    def __init__(self, *, max_size: int = 256 * 2**20) -> None:
        if max_size <= 0:
            raise ValueError("max_size must be above 0")
        self._max_size = max_size
        self._size = 0
        self._started = False
        self._logs: dict[str, _Log] = {}
        self._tables: dict[str, _Table] = {}

    async def start(self) -> None:
        """See `Store.start`. What was written before an earlier `close` is still there."""
        self._started = True

    async def close(self) -> None:
        """See `Store.close`."""
        self._started = False

    def _required(self) -> None:
        if not self._started:
            raise StoreDown("the store is not started, or was closed")

    def _grow(self, size: int) -> None:
        if size > 0 and self._size + size > self._max_size:
            raise StoreDown(f"the store is full: {self._size} of {self._max_size} bytes are taken")
        self._size += size

    # Logs.

    def _log(self, name: str) -> _Log | None:
        self._required()
        return self._logs.get(name)

    def _made_log(self, name: str, size: int) -> _Log:
        """Return a log that will grow by this much; make it where there is none."""
        log = self._log(name)
        self._grow(size + (_LOG + len(name) if log is None else 0))
        if log is None:
            log = self._logs[name] = _Log()
        return log

    def _remove(self, log: _Log, count: int) -> int:
        """Remove the oldest entries."""
        for number in log.numbers[:count]:
            self._size -= _ENTRY + len(log.data.pop(number))
        del log.numbers[:count]
        return count

    async def append(self, log: str, data: bytes, *, keep: int | None = None) -> int:
        """See `Store.append`."""
        data = bytes(data)
        found = self._made_log(log, _ENTRY + len(data))
        number = found.last = found.last + 1
        found.numbers.append(number)
        found.data[number] = data
        if keep is not None and len(found.numbers) > keep:
            self._remove(found, len(found.numbers) - keep)
        return number

    async def read(
        self, log: str, *, after: int = 0, limit: int | None = None, reverse: bool = False
    ) -> list[Entry]:
        """See `Store.read`."""
        found = self._log(log)
        if found is None:
            return []
        numbers = found.numbers
        first, last = bisect_right(numbers, after), len(numbers)
        if limit is not None and last - first > limit:
            if reverse:
                first = last - limit
            else:
                last = first + limit
        wanted = numbers[first:last]
        if reverse:
            wanted.reverse()
        return [Entry(number, found.data[number]) for number in wanted]

    async def trim(self, log: str, through: int) -> int:
        """See `Store.trim`."""
        found = self._log(log)
        return 0 if found is None else self._remove(found, bisect_right(found.numbers, through))

    async def replace(self, log: str, through: int, data: bytes) -> int:
        """See `Store.replace`."""
        data = bytes(data)
        found = self._made_log(log, _ENTRY + len(data))
        self._remove(found, bisect_right(found.numbers, through))
        found.numbers.insert(0, through)
        found.data[through] = data
        found.last = max(found.last, through)
        return through

    async def delete_entry(self, log: str, number: int) -> bool:
        """See `Store.delete_entry`."""
        found = self._log(log)
        if found is None or number not in found.data:
            return False
        del found.numbers[bisect_left(found.numbers, number)]
        self._size -= _ENTRY + len(found.data.pop(number))
        return True

    async def length(self, log: str) -> int:
        """See `Store.length`."""
        found = self._log(log)
        return 0 if found is None else len(found.numbers)

    async def delete_log(self, log: str) -> None:
        """See `Store.delete_log`."""
        found = self._log(log)
        if found is not None:
            self._remove(found, len(found.numbers))

    # Tables.

    async def put(self, table: str, key: str, value: bytes, *, expect: int | None = None) -> int | None:
        """See `Store.put`."""
        self._required()
        value = bytes(value)
        found = self._tables.get(table)
        row = found.rows.get(key) if found is not None else None
        version = 0 if row is None else row.version
        if expect is not None and expect != version:
            return None
        grown = len(value) - len(row.value) if row is not None else _ENTRY + len(key) + len(value)
        self._grow(grown + (_LOG + len(table) if found is None else 0))
        if found is None:
            found = self._tables[table] = _Table()
        if row is None:
            insort(found.keys, key)
        found.rows[key] = Row(key, value, version + 1)
        return version + 1

    async def get(self, table: str, key: str) -> Row | None:
        """See `Store.get`."""
        self._required()
        found = self._tables.get(table)
        return None if found is None else found.rows.get(key)

    async def delete(self, table: str, key: str) -> bool:
        """See `Store.delete`."""
        self._required()
        found = self._tables.get(table)
        row = found.rows.pop(key, None) if found is not None else None
        if found is None or row is None:
            return False
        del found.keys[bisect_left(found.keys, key)]
        self._size -= _ENTRY + len(key) + len(row.value)
        if not found.rows:
            del self._tables[table]
            self._size -= _LOG + len(table)
        return True

    async def scan(self, table: str, *, prefix: str = "", after: str = "", limit: int = 100) -> Sequence[Row]:
        """See `Store.scan`."""
        self._required()
        found = self._tables.get(table)
        if found is None:
            return []
        keys = found.keys
        at = bisect_left(keys, prefix)
        if after:
            at = max(at, bisect_right(keys, after))
        rows: list[Row] = []
        while at < len(keys) and len(rows) < limit and keys[at].startswith(prefix):
            rows.append(found.rows[keys[at]])
            at += 1
        return rows
