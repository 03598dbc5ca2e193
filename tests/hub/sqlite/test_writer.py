"""The writer's thread: one transaction for all that wait, and no harm to others by who fails."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from openline.hub.sqlite.schema import open_connection
from openline.hub.sqlite.writer import Failed, Job, Writer


class Do:
    """A job that calls a function."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function
        self.error: Exception | None = None

    def run(self) -> None:
        self.function()

    def settle(self) -> None:
        raise AssertionError("nobody settles here")


class Fixture:
    """A writer, whose outcomes are waited for in this thread."""

    def __init__(self, path: Path) -> None:
        self.opened: list[Exception | None] = []
        self.batches: list[list[Job]] = []
        self.news = threading.Condition()
        self.calls: list[str] = []
        self.writer = Writer(
            "openline-test",
            lambda: open_connection(str(path), "normal", None, "boot"),
            self.opened.append,
            self.done,
            lambda: self.calls.append("ended"),
        )

    def done(self, jobs: list[Job]) -> None:
        with self.news:
            self.batches.append(jobs)
            self.news.notify()

    def do(self, *jobs: Do) -> None:
        """Give it jobs, and wait for their outcomes."""
        with self.news:
            wanted = sum(map(len, self.batches)) + len(jobs)
            self.writer.submit(list(jobs))
            assert self.news.wait_for(lambda: sum(map(len, self.batches)) == wanted, 10)

    def put(self, name: str) -> Do:
        return Do(lambda: self.writer.write().execute("INSERT INTO facts VALUES (?, '')", (name,)))

    def names(self) -> set[str]:
        found: list[tuple[str]] = []
        self.do(Do(lambda: found.extend(self.writer.connection.execute("SELECT name FROM facts"))))
        return {name for (name,) in found} - {"boot", "synchronous", "closed"}

    # The participant.

    def flush(self) -> None:
        self.calls.append("flush")

    def committed(self) -> None:
        self.calls.append("committed")

    def rolled_back(self) -> None:
        self.calls.append("rolled back")


@contextmanager
def writing(path: Path) -> Iterator[Fixture]:
    fixture = Fixture(path)
    fixture.writer.start()
    try:
        fixture.do(Do(lambda: fixture.writer.join_in(fixture)))
        fixture.calls.clear()
        yield fixture
    finally:
        fixture.writer.stop()
        fixture.writer.join(10)
        assert not fixture.writer.is_alive()
        assert fixture.calls[-1] == "ended"


def fail(error: Exception) -> Do:
    def run() -> None:
        raise error

    return Do(run)


def test_jobs_share_a_transaction(tmp_path: Path) -> None:
    with writing(tmp_path / "x.db") as fixture:
        fixture.do(*(fixture.put(f"{n}") for n in range(10)))
        assert fixture.calls == ["flush", "committed"]
        assert fixture.writer.transactions == 1
        assert fixture.names() == {f"{n}" for n in range(10)}
        assert fixture.writer.transactions == 1  # to read needs none


def test_what_came_while_it_worked_is_taken_together(tmp_path: Path) -> None:
    with writing(tmp_path / "x.db") as fixture:
        working, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            working.set()
            assert go_on.wait(10)

        fixture.writer.submit([Do(hold)])
        assert working.wait(10)
        for n in range(5):
            fixture.writer.submit([fixture.put(f"{n}")])
        with fixture.news:
            go_on.set()
            assert fixture.news.wait_for(lambda: len(fixture.batches) == 3, 10)
        assert [len(batch) for batch in fixture.batches] == [1, 1, 5]


def test_an_error_of_the_database_undoes_all_and_is_told_to_all(tmp_path: Path) -> None:
    with writing(tmp_path / "x.db") as fixture:
        jobs = [fixture.put("a"), fail(sqlite3.OperationalError("disk I/O error")), fixture.put("b")]
        fixture.do(*jobs)
        assert [str(job.error) for job in jobs] == ["disk I/O error"] * 3
        assert all(isinstance(job.error, Failed) for job in jobs)
        assert fixture.calls == ["rolled back"]
        assert fixture.names() == set()


def test_an_error_of_one_job_is_its_own(tmp_path: Path) -> None:
    with writing(tmp_path / "x.db") as fixture:
        jobs = [fixture.put("a"), fail(ValueError("no")), fixture.put("b"), fixture.put("a")]
        fixture.do(*jobs)
        assert [type(job.error) for job in jobs] == [
            type(None),
            ValueError,
            type(None),
            sqlite3.IntegrityError,
        ]
        assert fixture.names() == {"a", "b"}


def test_what_was_given_before_stop_is_done(tmp_path: Path) -> None:
    with writing(tmp_path / "x.db") as fixture:
        fixture.writer.submit([fixture.put("a")])
        fixture.writer.stop()
        fixture.writer.submit([fixture.put("too late")])
        fixture.writer.join(10)
    with writing(tmp_path / "x.db") as fixture:
        assert fixture.names() == {"a"}


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    fixture = Fixture(tmp_path)  # a folder
    fixture.writer.start()
    fixture.writer.join(10)
    assert isinstance(fixture.opened[0], sqlite3.OperationalError)
    assert fixture.calls == ["ended"]
