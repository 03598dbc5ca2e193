"""The thread that has the connection. What waits when it becomes free shares one transaction."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

from openline.hub.sqlite.schema import mark_clean

__all__ = ["Failed", "Job", "Participant", "Writer"]

_MOST = 4096  # jobs that share a transaction: so long, at most, do the first of them wait for the last


class Failed(Exception):
    """The database could not do it; nothing of the transaction is there."""


class Participant(Protocol):
    """Whose jobs they are. All is called in the writer's thread."""

    def flush(self) -> None:
        """Write what was gathered; the last moment before the commit."""

    def committed(self) -> None:
        """It is there now."""

    def rolled_back(self) -> None:
        """It is not; nor is anything that was noted since the last commit true."""


class Job(Protocol):
    """Something to do with the database.

    Attributes:
        error: What came of it, unless it went well.
    """

    error: Exception | None

    def run(self) -> None:
        """Do it, in the writer's thread. An error of this job alone goes to ``error``; what it raises undoes all."""

    def settle(self) -> None:
        """Tell who waits; in the loop's thread, after the commit."""


class Writer(threading.Thread):
    """The thread.

    Args:
        open_: Makes the connection, in the thread.
        opened: Called in the thread with None or what went wrong, once.
        done: Called in the thread with jobs whose outcome is certain, in the order in which they came.
        ended: Called in the thread as the last thing it does.
    """

    def __init__(
        self,
        name: str,
        open_: Callable[[], sqlite3.Connection],
        opened: Callable[[Exception | None], None],
        done: Callable[[list[Job]], None],
        ended: Callable[[], None],
    ) -> None:
        super().__init__(
            name=name, daemon=True
        )  # a loop that was left without close must not hold up the exit
        self._open = open_
        self._opened = opened
        self._done = done
        self._ended = ended
        self._queue: SimpleQueue[list[Job] | None] = SimpleQueue()
        self._participants: list[Participant] = []
        self.connection: sqlite3.Connection
        self.transactions = 0

    def submit(self, jobs: list[Job]) -> None:
        """Give it jobs; from any thread."""
        self._queue.put(jobs)

    def stop(self) -> None:
        """Let it end after what it was given; from any thread."""
        self._queue.put(None)

    def join_in(self, participant: Participant) -> None:
        """Take somebody in; in the thread."""
        self._participants.append(participant)

    def leave(self, participant: Participant) -> None:
        """Let somebody go; in the thread."""
        self._participants.remove(participant)

    def write(self) -> sqlite3.Connection:
        """Return the connection, in a transaction."""
        connection = self.connection
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        return connection

    def run(self) -> None:
        """The thread's life."""
        try:
            try:
                self.connection = self._open()
            except Exception as error:
                self._opened(error)
                return
            try:
                self._opened(None)
                self._serve()
            finally:
                self._close()
        except RuntimeError:
            pass  # the loop was closed: there is nobody left to tell
        finally:
            with contextlib.suppress(RuntimeError):
                self._ended()

    def _close(self) -> None:
        try:
            mark_clean(self.connection)
        except sqlite3.Error:
            pass  # what was committed is there; the next start finds that it was not closed
        finally:
            self.connection.close()

    def _serve(self) -> None:
        queue = self._queue
        while True:
            jobs = queue.get()
            if jobs is None:
                return
            last = False
            while len(jobs) < _MOST and not queue.empty():
                more = queue.get()
                if more is None:
                    last = True
                    break
                jobs += more
            for start in range(0, len(jobs), _MOST):
                batch = jobs[start : start + _MOST]
                self._transact(batch)
                self._done(batch)
            if last:
                return

    def _transact(self, jobs: list[Job]) -> None:
        try:
            self._attempt(jobs)
        except (sqlite3.OperationalError, Failed) as error:
            _fail(jobs, error)
        except Exception as error:
            if type(error) is sqlite3.DatabaseError:  # the file is damaged
                _fail(jobs, error)
            elif len(jobs) == 1:
                jobs[0].error = error
            else:  # one of them cannot be done at all; the others shall not suffer
                for job in jobs:
                    job.error = None
                    self._transact([job])

    def _attempt(self, jobs: list[Job]) -> None:
        try:
            for job in jobs:
                job.run()
            for participant in self._participants:
                participant.flush()
            if self.connection.in_transaction:
                self.connection.execute("COMMIT")
                self.transactions += 1
        except BaseException:
            try:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
            finally:
                for participant in self._participants:
                    participant.rolled_back()
            raise
        for participant in self._participants:
            participant.committed()


def _fail(jobs: list[Job], error: Exception) -> None:
    for job in jobs:
        job.error = Failed(str(error))
