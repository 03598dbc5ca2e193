"""Logs and tables of the SQLite store, in the writer's thread: lengths are kept in memory, entries are gathered."""

from __future__ import annotations

from collections import OrderedDict

from openline.hub.sqlite.rows import Rows
from openline.hub.sqlite.writer import Writer
from openline.hub.stores.base import Entry, Row

__all__ = ["LogWriter"]

_CACHED = 20_000  # logs whose length is kept in memory: about 8 MB
_MANY_GATHERED = 100_000  # values that wait for their INSERT

_LOGS = Rows(
    "INSERT INTO logs (id, name, last, length)",
    4,
    "ON CONFLICT (id) DO UPDATE SET last = excluded.last, length = excluded.length",
)
_ENTRIES = Rows("INSERT INTO entries (log, number, data)", 3)


class _Log:
    """What is known of a log without reading its entries.

    Attributes:
        excess: Oldest entries that are still in the file, though they are not counted any more.
    """

    __slots__ = ("dirty", "excess", "id", "last", "length", "name")

    def __init__(self, id_: int, name: str, last: int = 0, length: int = 0) -> None:
        self.id = id_
        self.name = name
        self.last = last
        self.length = length
        self.excess = 0
        self.dirty = False


class LogWriter:
    """Does what the store is asked for. A participant of the writer; all but `__init__` in its thread."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._logs: OrderedDict[str, _Log] = OrderedDict()
        self._next_id = 1
        self._dirty: list[_Log] = []
        self._entries: list[object] = []

    def load(self) -> None:
        """Look around in the file; before the first job."""
        ((last,),) = self._writer.connection.execute("SELECT coalesce(max(id), 0) FROM logs")
        self._next_id = last + 1

    # Logs.

    def append(self, name: str, data: bytes, keep: int | None) -> int:
        """See `Store.append`."""
        log = self._made(name)
        number = log.last = log.last + 1
        self._entries += (log.id, number, data)
        log.length += 1
        if keep is not None and log.length > keep:
            log.excess += log.length - keep
            log.length = keep
        if len(self._entries) > _MANY_GATHERED:
            self._write_entries()
        return number

    def read(self, name: str, after: int, limit: int | None, reverse: bool) -> list[Entry]:
        """See `Store.read`."""
        log = self._find(name)
        if log is None or log.last <= after or not log.length:
            return []
        self._write_entries()
        rows = self._writer.connection.execute(
            f"SELECT number, data FROM entries WHERE log = ? AND number > ?"
            f" ORDER BY number {'DESC' if reverse else 'ASC'} LIMIT ?",
            (log.id, after, -1 if limit is None else limit),
        )
        return [Entry(number, data) for number, data in rows.fetchall()]

    def trim(self, name: str, through: int) -> int:
        """See `Store.trim`."""
        log = self._find(name)
        if log is None or not log.length:
            return 0
        self._write_entries()
        count = (
            self._writer.write()
            .execute("DELETE FROM entries WHERE log = ? AND number <= ?", (log.id, through))
            .rowcount
        )
        self._count(log, -count)
        return count

    def replace(self, name: str, through: int, data: bytes) -> int:
        """See `Store.replace`."""
        self.trim(name, through)
        log = self._made(name)
        self._entries += (log.id, through, data)
        self._count(log, 1)
        log.last = max(log.last, through)
        return through

    def delete_entry(self, name: str, number: int) -> bool:
        """See `Store.delete_entry`."""
        log = self._find(name)
        if log is None or not log.length:
            return False
        self._write_entries()
        count = (
            self._writer.write()
            .execute("DELETE FROM entries WHERE log = ? AND number = ?", (log.id, number))
            .rowcount
        )
        self._count(log, -count)
        return count > 0

    def length(self, name: str) -> int:
        """See `Store.length`."""
        log = self._find(name)
        return 0 if log is None else log.length

    def delete_log(self, name: str) -> None:
        """See `Store.delete_log`."""
        log = self._find(name)
        if log is not None:
            self.trim(name, log.last)

    def _find(self, name: str) -> _Log | None:
        log = self._logs.get(name)
        if log is not None:
            self._logs.move_to_end(name)
            return log
        row = self._writer.connection.execute(
            "SELECT id, name, last, length FROM logs WHERE name = ?", (name,)
        ).fetchone()
        if row is None:
            return None
        log = self._logs[name] = _Log(*row)
        return log

    def _made(self, name: str) -> _Log:
        log = self._find(name)
        if log is None:
            name.encode()  # what is no text fails now, and alone
            log = self._logs[name] = _Log(self._next_id, name)
            self._next_id += 1
        self._mark(log)
        return log

    def _count(self, log: _Log, grown: int) -> None:
        log.length += grown
        self._mark(log)

    def _mark(self, log: _Log) -> None:
        if not log.dirty:
            log.dirty = True
            self._dirty.append(log)

    def _write_entries(self) -> None:
        """Bring the entries in the file to what was counted."""
        if self._entries:
            _ENTRIES.write(self._writer.write(), self._entries)
            self._entries.clear()
        for log in self._dirty:
            if log.excess:
                self._writer.write().execute(
                    "DELETE FROM entries WHERE log = ?1 AND number <="
                    " (SELECT number FROM entries WHERE log = ?1 ORDER BY number LIMIT 1 OFFSET ?2)",
                    (log.id, log.excess - 1),
                )
                log.excess = 0

    # Tables.

    def put(self, table: str, key: bytes, value: bytes, expect: int | None) -> int | None:
        """See `Store.put`."""
        connection = self._writer.connection
        row = connection.execute(
            'SELECT version FROM rows WHERE "table" = ? AND key = ?', (table, key)
        ).fetchone()
        version: int = 0 if row is None else row[0]
        if expect is not None and expect != version:
            return None
        self._writer.write().execute(
            'INSERT OR REPLACE INTO rows ("table", key, value, version) VALUES (?, ?, ?, ?)',
            (table, key, value, version + 1),
        )
        return version + 1

    def get(self, table: str, key: bytes) -> tuple[bytes, int] | None:
        """See `Store.get`."""
        row: tuple[bytes, int] | None = self._writer.connection.execute(
            'SELECT value, version FROM rows WHERE "table" = ? AND key = ?', (table, key)
        ).fetchone()
        return row

    def delete(self, table: str, key: bytes) -> bool:
        """See `Store.delete`."""
        return (
            self._writer.write()
            .execute('DELETE FROM rows WHERE "table" = ? AND key = ?', (table, key))
            .rowcount
            > 0
        )

    def scan(self, table: str, prefix: bytes, after: bytes, limit: int) -> list[Row]:
        """See `Store.scan`."""
        behind = after if after and after >= prefix else None
        rows = self._writer.connection.execute(
            f'SELECT key, value, version FROM rows WHERE "table" = ? AND key {">=" if behind is None else ">"} ?'
            " AND key < ? ORDER BY key LIMIT ?",
            (table, prefix if behind is None else behind, prefix + b"\xff", limit),  # no UTF-8 has this byte
        )
        return [Row(key.decode(), value, version) for key, value, version in rows.fetchall()]

    # The participant.

    def flush(self) -> None:
        """See `Participant.flush`."""
        self._write_entries()
        if self._dirty:
            values: list[object] = []
            for log in self._dirty:
                values += (log.id, log.name, log.last, log.length)
                log.dirty = False
            self._dirty.clear()
            _LOGS.write(self._writer.write(), values)

    def committed(self) -> None:
        """See `Participant.committed`."""
        while len(self._logs) > _CACHED:
            self._logs.popitem(last=False)

    def rolled_back(self) -> None:
        """See `Participant.rolled_back`."""
        self._entries.clear()
        self._dirty.clear()
        self._logs.clear()  # what they say may not be in the file
        self.load()
