"""The streams of the SQLite broker, in the thread; here, the thread is this one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openline.hub.brokers import sqlite_streams
from openline.hub.brokers.base import EpochChanged
from openline.hub.brokers.sqlite_streams import Publishing, StreamWriter
from openline.hub.publication import HistoryOptions, Payload, Publication, StreamPosition
from openline.hub.sqlite.schema import open_connection
from openline.hub.sqlite.writer import Writer
from openline.testing import FakeClock
from openline.testing.broker_stage import KEPT, numbered, text


@contextmanager
def streams(path: Path, clock: FakeClock) -> Iterator[tuple[StreamWriter, Writer]]:
    writer = Writer("test", lambda: open_connection(str(path), "normal", None, "b"), print, print, print)
    writer.connection = writer._open()
    try:
        one = StreamWriter(writer, clock, 100_000)
        one.load()
        yield one, writer
    finally:
        writer.connection.close()


def publish(
    one: StreamWriter, channel: str, publication: Publication, history: HistoryOptions | None, key: str
) -> tuple[StreamPosition, bool]:
    it = Publishing(channel, publication, history, key)
    one.publish(it)
    return it.position, it.duplicate


def commit(one: StreamWriter, writer: Writer) -> None:
    one.flush()
    if writer.connection.in_transaction:
        writer.connection.execute("COMMIT")
    one.committed()


def test_positions_come_from_the_file_when_memory_has_forgotten_them(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sqlite_streams, "_CACHED", 3)
    with streams(tmp_path / "x.db", FakeClock()) as (one, writer):
        for turn in range(1, 4):
            for n in range(10):
                position, _ = publish(one, f"c{n}", numbered(turn), KEPT, "")
                assert position.offset == turn
            commit(one, writer)
            assert len(one._streams) == 3


def test_what_was_rolled_back_is_not_remembered(tmp_path: Path) -> None:
    with streams(tmp_path / "x.db", FakeClock()) as (one, writer):
        first, _ = publish(one, "c", numbered(1), KEPT, "a")
        commit(one, writer)
        publish(one, "c", numbered(2), KEPT, "b")
        publish(one, "d", numbered(2), KEPT, "b")
        one.flush()
        writer.connection.execute("ROLLBACK")
        one.rolled_back()
        again, duplicate = publish(one, "c", numbered(3), KEPT, "b")
        assert (again, duplicate) == (StreamPosition(2, first.epoch), False)
        answer = one.read("c", KEPT, -1, None, False)
        assert not isinstance(answer, EpochChanged)
        assert [text(publication) for publication in answer[0]] == ['{"n":1}', '{"n":3}']
        commit(one, writer)


def test_many_rows_do_not_wait_for_the_end_of_the_transaction(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sqlite_streams, "_MANY_GATHERED", 7)
    with streams(tmp_path / "x.db", FakeClock()) as (one, writer):
        for n in range(100):
            publish(one, "c", numbered(n), KEPT, "")
            assert one._gathered <= 7
        commit(one, writer)
        assert writer.connection.execute("SELECT count(*) FROM publications").fetchone() == (13,)
        answer = one.read("c", KEPT, -1, None, False)
        assert not isinstance(answer, EpochChanged)
        assert [publication.offset for publication in answer[0]] == list(range(1, 101))


def test_a_stream_that_is_forgotten_leaves_no_rows_to_the_next(tmp_path: Path) -> None:
    clock = FakeClock()
    options = HistoryOptions(100, 10.0, 20.0)
    with streams(tmp_path / "x.db", clock) as (one, writer):
        for n in range(5):
            publish(one, "c", numbered(n), options, "")
        commit(one, writer)
        clock.advance(30.0)
        position, _ = publish(one, "c", Publication(data=Payload(b'"new"')), options, "")
        assert position.offset == 1
        answer = one.read("c", options, -1, None, False)
        assert not isinstance(answer, EpochChanged)
        assert [text(publication) for publication in answer[0]] == ['"new"']
        commit(one, writer)
        assert writer.connection.execute("SELECT count(*) FROM publications").fetchone() == (1,)


def test_the_sweep_goes_round(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sqlite_streams, "_SWEPT", 3)
    clock = FakeClock()
    with streams(tmp_path / "x.db", clock) as (one, writer):
        for n in range(10):
            publish(one, f"c{n}", numbered(n), HistoryOptions(10, 5.0, 1e6), "")
        commit(one, writer)
        clock.advance(6.0)
        left = []
        for _ in range(4):
            one.sweep()
            commit(one, writer)
            left += writer.connection.execute("SELECT count(*) FROM publications").fetchone()
        assert left == [7, 4, 1, 0]
        one.sweep()  # at the end it begins anew
        assert one._swept == 0


def test_keys_are_loaded_and_removed_in_the_order_of_time(tmp_path: Path) -> None:
    clock = FakeClock()
    with streams(tmp_path / "x.db", clock) as (one, writer):
        for n in range(3):
            publish(one, "c", numbered(n), None, f"k{n}")
            commit(one, writer)
            clock.advance(100.0)
    clock.advance(50.0)
    with streams(tmp_path / "x.db", clock) as (one, writer):
        assert publish(one, "c", numbered(9), None, "k0") == (StreamPosition(0, ""), False)
        assert publish(one, "c", numbered(9), None, "k1") == (StreamPosition(0, ""), True)
        commit(one, writer)
        one.sweep()
        commit(one, writer)
        names = [name for (name,) in writer.connection.execute("SELECT key FROM keys ORDER BY id")]
        assert names == ["k1", "k2", "k0"]
