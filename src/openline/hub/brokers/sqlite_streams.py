"""The streams of the SQLite broker, in the writer's thread: where they stand is kept in memory, rows are gathered."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import OrderedDict
from collections.abc import Callable

from openline.hub.brokers.base import EpochChanged
from openline.hub.brokers.idempotency import IDEMPOTENCY_TTL, IdempotencyKeys
from openline.hub.brokers.memory import new_epoch
from openline.hub.brokers.sqlite_rows import from_row, to_rows
from openline.hub.publication import HistoryOptions, Publication, StreamPosition
from openline.hub.sqlite.rows import Rows
from openline.hub.sqlite.writer import Writer

__all__ = ["Publishing", "StreamWriter"]

_CACHED = 20_000  # streams whose position is kept in memory: about 10 MB
_SWEPT = 1000  # streams that one step of the sweep looks at
_VACUUMED = 256  # pages that one step of the sweep gives back
_MANY_GATHERED = 20_000  # publications of one transaction that wait to be put into rows

_STREAMS = Rows(
    "INSERT INTO streams (id, channel, epoch, top, low, expires, forgotten)",
    7,
    "ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, top = excluded.top, low = excluded.low,"
    " expires = excluded.expires, forgotten = excluded.forgotten",
)
_PUBLICATIONS = Rows("INSERT INTO publications (stream, first, last, data)", 4)
_KEYS = Rows('INSERT INTO keys (channel, key, "offset", epoch, expires)', 5)

_NOWHERE = StreamPosition(0, "")


class _Stream:
    """Where a stream stands. Offsets above ``low`` up to ``top`` are there; rows up to ``low`` may wait for removal."""

    __slots__ = ("channel", "dirty", "epoch", "expires", "forgotten", "id", "low", "new", "removed", "top")

    def __init__(
        self,
        id_: int,
        channel: str,
        epoch: str,
        top: int = 0,
        low: int = 0,
        expires: float = 0.0,
        forgotten: float = 0.0,
    ) -> None:
        self.id = id_
        self.channel = channel
        self.epoch = epoch
        self.top = top
        self.low = low
        self.expires = expires
        self.forgotten = forgotten
        self.removed = 0  # rows up to this offset are gone; of an earlier run, it is not known
        self.dirty = False
        self.new: list[Publication] = []  # the last ones, which are in no row yet


class Publishing:
    """A publication that is to be made, and what came of it.

    Args:
        channel: The channel.
        publication: The publication.
        history: As of `Broker.publish`.
        key: Its idempotency key, or nothing.

    Attributes:
        position: Where it stands.
        duplicate: It was made before.
    """

    __slots__ = ("channel", "duplicate", "history", "key", "position", "publication")

    def __init__(
        self, channel: str, publication: Publication, history: HistoryOptions | None, key: str
    ) -> None:
        self.channel = channel
        self.publication = publication
        self.history = history
        self.key = key
        self.position = _NOWHERE
        self.duplicate = False


class StreamWriter:
    """Publishes, reads and sweeps. A participant of the writer; all but `__init__` in its thread.

    Args:
        writer: Whose thread.
        clock: Seconds since 1970.
        max_keys_size: Bytes that idempotency keys may take in memory.
    """

    def __init__(self, writer: Writer, clock: Callable[[], float], max_keys_size: int) -> None:
        self._writer = writer
        self._clock = clock
        self._streams: OrderedDict[str, _Stream] = OrderedDict()
        self._next_id = 1
        self._dirty: list[_Stream] = []
        self._gathered = 0
        self._trimmed: list[_Stream] = []  # whose rows up to ``low`` go with the next flush
        self.keys = IdempotencyKeys(max_keys_size)
        self._new_keys: dict[tuple[str, str], tuple[StreamPosition, float]] = {}
        self._swept = 0
        self._vacuum = False

    def load(self) -> None:
        """Look around in the file; before the first job."""
        connection = self._writer.connection
        ((last,),) = connection.execute("SELECT coalesce(max(id), 0) FROM streams")
        self._next_id = last + 1
        for channel, key, offset, epoch, expires in connection.execute(
            'SELECT channel, key, "offset", epoch, expires FROM keys WHERE expires > ? ORDER BY id',
            (self._clock(),),
        ):
            self.keys.add(channel, key, StreamPosition(offset, epoch), expires)

    # Jobs.

    def publish(self, it: Publishing) -> None:
        """Publish."""
        now = self._clock()
        history = it.history
        if it.key:
            name = it.channel, it.key
            new = self._new_keys.get(name)
            known = new[0] if new is not None else self.keys.get(it.channel, it.key, now)
            it.duplicate = known is not None
            if known is not None:
                it.position = known
                return
        if history is None:
            it.publication.offset = 0
            it.position = _NOWHERE
        else:
            size, ttl, meta_ttl = history
            stream = self._streams.get(it.channel)
            if stream is None or now >= stream.expires or now >= stream.forgotten:
                stream = self._stream(it.channel, now, meta_ttl)
            if not stream.new:
                self._streams.move_to_end(it.channel)
                self._mark(stream)
            stream.new.append(it.publication)
            offset = it.publication.offset = stream.top = stream.top + 1
            if stream.low < offset - size:
                stream.low = offset - size
                if stream.low - stream.removed > 16 + size // 4:
                    stream.removed = stream.low
                    self._trimmed.append(stream)
            stream.expires = now + ttl
            stream.forgotten = now + meta_ttl
            it.position = StreamPosition(offset, stream.epoch)
            self._gathered += 1
            if self._gathered > _MANY_GATHERED:
                self._write_rows()
        if it.key:
            self._new_keys[it.channel, it.key] = it.position, now + IDEMPOTENCY_TTL

    def read(
        self, channel: str, history: HistoryOptions, limit: int, since: StreamPosition | None, reverse: bool
    ) -> tuple[list[Publication], StreamPosition] | EpochChanged:
        """Read as `Broker.history` says; its error is returned: it is none of the transaction."""
        stream = self._stream(channel, self._clock(), history.meta_ttl)
        if since is not None and since.epoch and since.epoch != stream.epoch:
            return EpochChanged(f"epoch of {channel!r} is {stream.epoch}, not {since.epoch}")
        position = StreamPosition(stream.top, stream.epoch)
        first, last = stream.low + 1, stream.top
        if since is not None:
            if reverse:
                last = min(last, since.offset - 1)
            else:
                first = max(first, since.offset + 1)
        if limit == 0 or first > last:
            return [], position
        self._write_rows()
        rows = self._writer.connection.execute(
            "SELECT first, data FROM publications WHERE stream = ? AND last >= ? AND first <= ?"
            f" ORDER BY last {'DESC' if reverse else 'ASC'}",
            (stream.id, first, last),
        )
        found: list[Publication] = []
        for offset, data in rows:
            row = from_row(offset, data, first, last)
            found += reversed(row) if reverse else row
            if 0 <= limit <= len(found):
                del found[limit:]
                break
        return found, position

    def remove(self, channel: str) -> None:
        """Forget the publications."""
        stream = self._find(channel)
        if stream is not None and stream.low < stream.top:
            self._clear(stream)

    def sweep(self) -> None:
        """Remove what has expired, of some streams each time; give pages back to the file system."""
        now = self._clock()
        connection = self._writer.connection
        self.keys.expire(now, _SWEPT)
        if connection.execute("SELECT expires <= ? FROM keys ORDER BY id LIMIT 1", (now,)).fetchone() == (1,):
            self._writer.write().execute(
                "DELETE FROM keys WHERE id < coalesce((SELECT id FROM keys WHERE expires > ? ORDER BY id LIMIT 1), ?)",
                (now, 2**63 - 1),
            )
        self.flush()
        ((last,),) = connection.execute(
            "SELECT max(id) FROM (SELECT id FROM streams WHERE id > ? ORDER BY id LIMIT ?)",
            (self._swept, _SWEPT),
        )
        if last is None:  # the next step begins anew
            last = 0
        found = connection.execute(
            "SELECT channel FROM streams WHERE id > ? AND id <= ? AND (forgotten <= ? OR (expires <= ? AND low < top))",
            (self._swept, last, now, now),
        ).fetchall()
        self._swept = last
        for (channel,) in found:
            stream = self._find(channel)
            if stream is None:
                continue
            if now >= stream.forgotten:
                self._remove_rows(stream, everything=True)
                self._writer.write().execute("DELETE FROM streams WHERE id = ?", (stream.id,))
                del self._streams[channel]
            elif now >= stream.expires and stream.low < stream.top:
                self._clear(stream)
        ((free,),) = connection.execute("PRAGMA freelist_count")
        self._vacuum = free > _VACUUMED

    # Streams.

    def _find(self, channel: str) -> _Stream | None:
        stream = self._streams.get(channel)
        if stream is not None:
            self._streams.move_to_end(channel)
            return stream
        row = self._writer.connection.execute(
            "SELECT id, channel, epoch, top, low, expires, forgotten FROM streams WHERE channel = ?",
            (channel,),
        ).fetchone()
        if row is None:
            return None
        stream = self._streams[channel] = _Stream(*row)
        return stream

    def _stream(self, channel: str, now: float, meta_ttl: float) -> _Stream:
        """Return the channel's stream as it is now; begin one where there is none."""
        stream = self._find(channel)
        if stream is None:
            channel.encode()  # what is no text fails now, and alone
            stream = self._streams[channel] = _Stream(self._next_id, channel, new_epoch())
            self._next_id += 1
            stream.expires = stream.forgotten = now + meta_ttl
            self._mark(stream)
        elif now >= stream.forgotten:
            self._remove_rows(stream, everything=True)
            stream.epoch = new_epoch()
            stream.top = stream.low = stream.removed = 0
            stream.expires = stream.forgotten = now + meta_ttl
            self._mark(stream)
        elif now >= stream.expires and stream.low < stream.top:
            self._clear(stream)
        return stream

    def _mark(self, stream: _Stream) -> None:
        if not stream.dirty:
            stream.dirty = True
            self._dirty.append(stream)

    def _clear(self, stream: _Stream) -> None:
        self._mark(stream)
        stream.low = stream.top
        self._remove_rows(stream)

    def _remove_rows(self, stream: _Stream, *, everything: bool = False) -> None:
        self._write_rows()
        through = stream.top if everything else stream.low
        self._writer.write().execute(
            "DELETE FROM publications WHERE stream = ? AND last <= ?", (stream.id, through)
        )
        stream.removed = through

    def _write_rows(self) -> None:
        if self._gathered:
            values: list[object] = []
            for stream in self._dirty:
                new = stream.new
                if new:
                    for row in to_rows(stream.top - len(new) + 1, new):
                        values += (stream.id, *row)
                    new.clear()
            self._gathered = 0
            _PUBLICATIONS.write(self._writer.write(), values)

    # The participant.

    def flush(self) -> None:
        """See `Participant.flush`."""
        self._write_rows()
        for stream in self._trimmed:
            self._remove_rows(stream)
        self._trimmed.clear()
        if self._dirty:
            values: list[object] = []
            for stream in self._dirty:
                values += (
                    stream.id,
                    stream.channel,
                    stream.epoch,
                    stream.top,
                    stream.low,
                    stream.expires,
                    stream.forgotten,
                )
                stream.dirty = False
            self._dirty.clear()
            _STREAMS.write(self._writer.write(), values)
        if self._new_keys:
            values = []
            for (channel, key), (position, expires) in self._new_keys.items():
                values += (channel, key, position.offset, position.epoch, expires)
            _KEYS.write(self._writer.write(), values)

    def committed(self) -> None:
        """See `Participant.committed`."""
        for (channel, key), (position, expires) in self._new_keys.items():
            self.keys.add(channel, key, position, expires)
        self._new_keys.clear()
        while len(self._streams) > _CACHED:
            self._streams.popitem(last=False)
        if self._vacuum:
            self._vacuum = False
            with contextlib.suppress(sqlite3.Error):  # what was committed is there, whatever becomes of this
                # `execute` would give back one page only; this cannot be done inside of a transaction.
                self._writer.connection.executescript(f"PRAGMA incremental_vacuum({_VACUUMED})")

    def rolled_back(self) -> None:
        """See `Participant.rolled_back`."""
        self._gathered = 0
        self._trimmed.clear()
        self._dirty.clear()
        self._new_keys.clear()
        self._streams.clear()  # what they say may not be in the file
        ((last,),) = self._writer.connection.execute("SELECT coalesce(max(id), 0) FROM streams")
        self._next_id = last + 1
