"""Logs of the SQLite store, in the thread; here, the thread is this one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openline.hub.sqlite.schema import open_connection
from openline.hub.sqlite.writer import Writer
from openline.hub.stores import sqlite_logs
from openline.hub.stores.sqlite_logs import LogWriter


@contextmanager
def logs(path: Path) -> Iterator[tuple[LogWriter, Writer]]:
    writer = Writer("test", lambda: open_connection(str(path), "normal", None, "b"), print, print, print)
    writer.connection = writer._open()
    try:
        one = LogWriter(writer)
        one.load()
        yield one, writer
    finally:
        writer.connection.close()


def commit(one: LogWriter, writer: Writer) -> None:
    one.flush()
    if writer.connection.in_transaction:
        writer.connection.execute("COMMIT")
    one.committed()


def rows(writer: Writer) -> int:
    return writer.connection.execute("SELECT count(*) FROM entries").fetchone()[0]


def test_lengths_come_from_the_file_when_memory_has_forgotten_them(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sqlite_logs, "_CACHED", 3)
    with logs(tmp_path / "x.db") as (one, writer):
        for turn in range(1, 4):
            for n in range(10):
                assert one.append(f"log{n}", b"x", 2) == turn
                assert one.length(f"log{n}") == min(turn, 2)
            commit(one, writer)
            assert len(one._logs) == 3
        assert rows(writer) == 20


def test_what_is_not_kept_is_removed_in_the_same_transaction(tmp_path: Path) -> None:
    with logs(tmp_path / "x.db") as (one, writer):
        for n in range(50):
            one.append("log", b"%d" % n, 5)
        assert [entry.data for entry in one.read("log", 0, None, False)] == [
            b"45",
            b"46",
            b"47",
            b"48",
            b"49",
        ]
        for n in range(50, 60):
            one.append("log", b"%d" % n, 3)
        commit(one, writer)
        assert rows(writer) == 3
        one.append("log", b"x", 0)
        commit(one, writer)
        assert rows(writer) == 0


def test_what_was_rolled_back_is_not_remembered(tmp_path: Path) -> None:
    with logs(tmp_path / "x.db") as (one, writer):
        one.append("log", b"a", None)
        commit(one, writer)
        one.append("log", b"b", None)
        one.append("other", b"b", 1)
        one.flush()
        writer.connection.execute("ROLLBACK")
        one.rolled_back()
        assert one.length("log") == 1
        assert one.append("log", b"c", None) == 2
        commit(one, writer)
        assert [entry.data for entry in one.read("log", 0, None, False)] == [b"a", b"c"]
        assert one.length("other") == 0


def test_many_entries_do_not_wait_for_the_end_of_the_transaction(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sqlite_logs, "_MANY_GATHERED", 30)
    with logs(tmp_path / "x.db") as (one, writer):
        for _ in range(100):
            one.append("log", b"x", None)
            assert len(one._entries) <= 33
        commit(one, writer)
        assert rows(writer) == 100
