"""The broker of a single process that remembers: streams and idempotency keys are in a file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace

from openline.hub.brokers.base import BrokerDown, BrokerEvents
from openline.hub.brokers.memory import size_of
from openline.hub.brokers.single_node import SingleNode
from openline.hub.brokers.sqlite_streams import Publishing, StreamWriter
from openline.hub.publication import HistoryOptions, Publication, PublishResult, StreamPosition
from openline.hub.sqlite.database import Call, Database, Settings
from openline.hub.sqlite.schema import Synchronous
from openline.hub.sqlite.writer import Failed

__all__ = ["SQLiteBroker"]


class _Publish(Publishing):
    """A publication on its way through the writer's thread, and back."""

    __slots__ = ("broker", "database", "error", "future", "size")

    def __init__(
        self,
        broker: SQLiteBroker,
        database: Database,
        channel: str,
        publication: Publication,
        history: HistoryOptions | None,
        key: str,
    ) -> None:
        super().__init__(channel, publication, history, key)
        self.broker = broker
        self.database = database
        self.size = size_of(publication)
        self.future: asyncio.Future[PublishResult] = database.loop.create_future()
        self.error: Exception | None = None

    def run(self) -> None:
        """See `Job.run`."""
        self.broker.streams.publish(self)

    def settle(self) -> None:
        """See `Job.settle`. It is told also where nobody waits any more: it is in the stream."""
        self.database.waiting -= self.size
        try:
            if self.error is None and not self.duplicate:
                self.broker.tell(self.channel, self.publication, self.position)
        finally:
            future, error = self.future, self.error
            if not future.done():
                if error is None:
                    future.set_result(PublishResult(self.position, self.duplicate))
                elif isinstance(error, Failed):
                    future.set_exception(BrokerDown(f"{self.database.path}: {error}"))
                else:
                    future.set_exception(error)


class SQLiteBroker(SingleNode):
    """Keeps streams and idempotency keys in a file; presence and occupation are those of one process, in memory.

    A publication is told and acknowledged when its transaction is committed. All publications of a turn of the loop
    share one, and so does what comes while one commits.

    One process owns the file, by a lock on ``<path>-lock``. A `SQLiteStore` of the same process may use it, too. The
    file gives back what has expired, in small steps; at ``max_size`` publishing fails with `BrokerDown`.

    Args:
        path: The file; it is made where it does not exist. Beside it, SQLite keeps ``-wal`` and ``-shm``.
        synchronous: ``normal``: what was acknowledged survives the death of the process, by kill -9 too. When the
            machine loses its power the last commits may be lost; then all streams begin a new epoch, and clients hear
            that they may have missed something. ``full``: every acknowledged publication survives that, too, and each
            transaction waits for the disk. None: ``normal`` on Linux, elsewhere ``full``.
        max_size: Bytes that the file may have; None: no bound.
        max_waiting: Bytes of publications that may wait to be written: then `publish` raises `BrokerDown`.
        max_keys_size: Bytes that idempotency keys may take in memory; beyond it the oldest are forgotten early.
        presence_ttl: Seconds after which a presence entry that was not renewed fades.
        clock: Seconds since 1970; what all expiry goes by.
    """

    def __init__(
        self,
        path: str,
        *,
        synchronous: Synchronous | None = None,
        max_size: int | None = 16 * 2**30,
        max_waiting: int = 64 * 2**20,
        max_keys_size: int = 32 * 2**20,
        presence_ttl: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(presence_ttl=presence_ttl, clock=clock)
        if max_keys_size <= 0:
            raise ValueError("max_keys_size must be above 0")
        self._path = path
        self._settings = Settings(synchronous, max_size, max_waiting)
        self._max_keys_size = max_keys_size
        self._database: Database | None = None
        self._swept: asyncio.Future[None] | None = None
        self.streams: StreamWriter

    @property
    def name(self) -> str:
        """``sqlite``."""
        return "sqlite"

    @property
    def counters(self) -> Mapping[str, int]:
        """What was done since the start, and what waits: for metrics."""
        database = self._database
        if database is None:
            return {}
        return {
            "transactions": database.writer.transactions,
            "waiting_bytes": database.waiting,
            "forgotten_keys": self.streams.keys.forgotten,
        }

    async def start(self, events: BrokerEvents, node: str) -> None:
        """See `Broker.start`.

        Raises:
            BrokerDown: The file cannot be used: somebody has it, it is damaged, or not ours.
        """
        if self._events is not None:
            raise RuntimeError("the broker has a node already; it serves one at a time")
        database = await Database.acquire(self._path, "broker", self._settings, BrokerDown)
        try:
            self.streams = StreamWriter(database.writer, self._clock, self._max_keys_size)
            await database.enter(self.streams, BrokerDown, self.streams.load)
        except BaseException:
            await database.release("broker")
            raise
        self._database = database
        self._open(events, node)

    async def close(self) -> None:
        """See `Broker.close`. What was being published is, and is told, before this returns."""
        database, self._database = self._database, None
        if database is None:
            return
        try:
            await database.leave(self.streams, BrokerDown)
        finally:
            self._shut()
            await database.release("broker")

    # Streams.

    async def publish(
        self,
        channel: str,
        publication: Publication,
        *,
        history: HistoryOptions | None = None,
        idempotency_key: str = "",
    ) -> PublishResult:
        """See `Broker.publish`. ``publication`` becomes the broker's: it is stored and told as it is.

        What has neither history nor a key is told at once: there is nothing to keep.
        """
        database = self._running()
        if publication.offset:  # it is part of a stream already
            publication = replace(publication, offset=0)
        if history is None and not idempotency_key:
            position = StreamPosition(0, "")
            self.tell(channel, publication, position)
            return PublishResult(position)
        job = _Publish(self, database, channel, publication, history, idempotency_key)
        database.submit(job, job.size, BrokerDown)
        publication.offset = -1  # it is taken: who publishes it once more meanwhile gets a copy
        return await job.future

    def tell(self, channel: str, publication: Publication, position: StreamPosition) -> None:
        """Tell the node of a publication, if it wants to hear of the channel."""
        if channel in self._subscribed and self._events is not None:
            self._events.on_publication(channel, publication, position)

    async def history(
        self,
        channel: str,
        *,
        history: HistoryOptions,
        limit: int = -1,
        since: StreamPosition | None = None,
        reverse: bool = False,
    ) -> tuple[list[Publication], StreamPosition]:
        """See `Broker.history`."""
        database = self._running()
        read = partial(self.streams.read, channel, history, limit, since, reverse)
        answer = await database.call(read, BrokerDown)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def remove_history(self, channel: str) -> None:
        """See `Broker.remove_history`."""
        database = self._running()
        await database.call(partial(self.streams.remove, channel), BrokerDown)

    def _running(self) -> Database:
        if self._database is None:
            raise BrokerDown("the broker is not started, or was closed")
        return self._database

    def _sweep(self) -> None:
        super()._sweep()
        database = self._database
        if database is not None and (self._swept is None or self._swept.done()):
            job = Call(database, self.streams.sweep, BrokerDown)
            self._swept = job.future
            job.future.add_done_callback(_ignore)
            database.submit(job, 0, BrokerDown)


def _ignore(swept: asyncio.Future[None]) -> None:
    """Whoever publishes next hears of what is wrong with the file."""
    if not swept.cancelled():
        swept.exception()
