"""The loop's side of a SQLite file: one for each file of this process, shared by those who use it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from openline.hub.sqlite.owner import AlreadyOwned, Owner
from openline.hub.sqlite.schema import BadFile, Synchronous, boot_id, open_connection
from openline.hub.sqlite.writer import Failed, Job, Participant, Writer

__all__ = ["Call", "Database", "Settings"]

T = TypeVar("T")

CALL_SIZE = 500  # bytes of a call that carries nothing
_TURN = 0.005  # seconds of the loop's time that outcomes take at once


class Settings:
    """How a file is used; of all its users in this process, the first says it.

    Args:
        synchronous: ``normal``: a commit survives the death of the process; after a loss of power all streams begin
            anew. ``full``: it survives that, too, and each commit waits for the disk. None: ``normal`` where the
            machine tells one start from another (Linux), else ``full``.
        max_size: Bytes that the file may have: then writes fail. None: no bound.
        max_waiting: Bytes of writes that may wait for the thread: then further ones fail.
    """

    __slots__ = ("max_size", "max_waiting", "synchronous")

    def __init__(self, synchronous: Synchronous | None, max_size: int | None, max_waiting: int) -> None:
        if synchronous not in (None, "normal", "full"):
            raise ValueError(f"synchronous is 'normal' or 'full', not {synchronous!r}")
        if max_waiting <= 0 or (max_size is not None and max_size <= 0):
            raise ValueError("max_size and max_waiting must be above 0")
        self.synchronous: Synchronous | None = synchronous
        self.max_size = max_size
        self.max_waiting = max_waiting


class Call(Generic[T]):
    """A job that is one call of a function in the writer's thread. Awaiting ``future`` gives its value.

    Args:
        database: Whose thread.
        function: What is called.
        down: What is raised where the database could not do it.
        size: Bytes that wait with it.
    """

    __slots__ = ("database", "down", "error", "function", "future", "size", "value")

    def __init__(
        self, database: Database, function: Callable[[], T], down: type[Exception], size: int = 0
    ) -> None:
        self.database = database
        self.function = function
        self.down = down
        self.size = size
        self.error: Exception | None = None
        self.future: asyncio.Future[T] = database.loop.create_future()
        self.value: T

    def run(self) -> None:
        """See `Job.run`."""
        self.value = self.function()

    def settle(self) -> None:
        """See `Job.settle`."""
        self.database.waiting -= self.size
        future, error = self.future, self.error
        if future.done():  # cancelled
            return
        if error is None:
            future.set_result(self.value)
        else:
            future.set_exception(
                self.down(f"{self.database.path}: {error}") if isinstance(error, Failed) else error
            )


class Database:
    """A file, its owner's lock, and its thread. Made by `acquire`, ended by the last `release`.

    Jobs of one turn of the loop go to the thread together, and share a transaction; what comes while it commits shares
    the next. Outcomes come back in the same order, with one wake-up of the loop for each transaction.
    """

    _open: ClassVar[dict[str, Database]] = {}

    def __init__(self, path: str, settings: Settings) -> None:
        self.path = path
        self.loop = asyncio.get_running_loop()
        self._settings = settings
        self._owner = Owner(path)
        self._users: set[str] = set()
        self._gathered: list[Job] = []
        self._done: deque[Job] = deque()
        self.waiting = 0
        boot = boot_id()
        synchronous = settings.synchronous or ("normal" if boot else "full")
        self._started: asyncio.Future[None] = self.loop.create_future()
        self._ended: asyncio.Future[None] = self.loop.create_future()
        self.writer = Writer(
            f"openline-sqlite-{os.path.basename(path)}",
            partial(open_connection, path, synchronous, settings.max_size, boot),
            self._report_start,
            self._report,
            self._report_end,
        )

    @classmethod
    async def acquire(cls, path: str, user: str, settings: Settings, down: type[Exception]) -> Database:
        """Open a file, or share it with who has it open in this process.

        Args:
            path: The file.
            user: What it is used for; a file has one user of each kind.
            settings: How; those of the first user count.
            down: What is raised where it cannot be opened.
        """
        full = os.path.realpath(path)  # noqa: ASYNC240 (it is read once, before the file is opened)
        while (found := cls._open.get(full)) is not None and found._ending:
            if found.loop.is_closed():
                found._let_go()
            elif found.loop is not asyncio.get_running_loop():
                raise down(f"{path} is in use by another loop of this process")
            else:
                await asyncio.shield(found._ended)
        if found is not None:
            if user in found._users:
                raise down(
                    f"{path} is in use by process {os.getpid()}, this one: it has a {user} there already"
                )
            if found.loop is not asyncio.get_running_loop():
                raise down(f"{path} is in use by another loop of this process")
            database = found
        else:
            try:
                database = cls._open[full] = cls(full, settings)
            except (OSError, AlreadyOwned) as error:
                raise down(str(error)) from error
            database.writer.start()
        database._users.add(user)
        try:
            await asyncio.shield(database._started)
        except (sqlite3.Error, BadFile) as error:
            await database.release(user)
            raise down(f"{path}: {error}" if path not in str(error) else str(error)) from error
        except BaseException:
            await database.release(user)
            raise
        return database

    @property
    def _ending(self) -> bool:
        return not self._users or self.loop.is_closed()

    async def release(self, user: str) -> None:
        """Let it go. Who is the last waits until the thread has ended; idempotent."""
        self._users.discard(user)
        if not self._users:
            self._hand_over()
            self.writer.stop()
            await asyncio.shield(self._ended)

    def _let_go(self) -> None:
        """Wait for the thread, which is about to end, and let others have the file."""
        self.writer.stop()
        self.writer.join()
        del self._open[self.path]
        self._owner.release()

    def submit(self, job: Job, size: int, down: type[Exception]) -> None:
        """Let the thread do a job, with all others of this turn of the loop.

        Args:
            job: The job; it is settled in any case.
            size: Bytes that wait with it; whoever settles it takes them off ``waiting``. 0: it is let in always.
            down: What is raised where too much is waiting.
        """
        if size and self.waiting and self.waiting + size > self._settings.max_waiting:
            raise down(f"{self.path}: {self.waiting} bytes wait to be written already")
        self.waiting += size
        if not self._gathered:
            self.loop.call_soon(self._hand_over)
        self._gathered.append(job)

    async def call(self, function: Callable[[], T], down: type[Exception], size: int = CALL_SIZE) -> T:
        """Call a function in the thread, as a job.

        Cancel safety: it may be called nevertheless.
        """
        job = Call(self, function, down, size)
        self.submit(job, size, down)
        return await job.future

    async def enter(self, participant: Participant, down: type[Exception], load: Callable[[], Any]) -> None:
        """Take a participant in, and let it look around in the thread."""

        def enter() -> None:
            load()
            self.writer.join_in(participant)

        await self.call(enter, down, 0)

    async def leave(self, participant: Participant, down: type[Exception]) -> None:
        """Let a participant go, when all its jobs are done."""
        await asyncio.shield(self.call(partial(self.writer.leave, participant), down, 0))

    def _hand_over(self) -> None:
        jobs, self._gathered = self._gathered, []
        if jobs:
            self.writer.submit(jobs)

    # What the thread says.

    def _report_start(self, error: Exception | None) -> None:
        self.loop.call_soon_threadsafe(self._on_start, error)

    def _on_start(self, error: Exception | None) -> None:
        if error is None:
            self._started.set_result(None)
        else:
            self._started.set_exception(error)

    def _report(self, jobs: list[Job]) -> None:
        self.loop.call_soon_threadsafe(self._on_done, jobs)

    def _on_done(self, jobs: list[Job]) -> None:
        idle = not self._done
        self._done.extend(jobs)
        if idle:
            self._settle()

    def _settle(self) -> None:
        # Each may be a publication for thousands of subscribers, and a transaction has many.
        done, now = self._done, self.loop.time
        end = now() + _TURN
        try:
            while done:
                done.popleft().settle()
                if now() >= end:
                    break
        finally:
            if done:
                self.loop.call_soon(self._settle)

    def _report_end(self) -> None:
        self.loop.call_soon_threadsafe(self._on_end)

    def _on_end(self) -> None:
        self._let_go()
        self._ended.set_result(None)
