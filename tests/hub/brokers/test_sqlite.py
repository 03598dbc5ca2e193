"""The broker in a file: the contract, kill -9, and what a file can do to us."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from openline.hub.brokers.base import BrokerDown
from openline.hub.brokers.sqlite import SQLiteBroker
from openline.hub.publication import HistoryOptions, Payload, Publication, PublishResult, StreamPosition
from openline.testing import BROKER_CHECKS, FakeClock, check_broker
from openline.testing.broker_stage import KEPT, Heard, numbered
from tests.hub.brokers import publish_until_killed


@pytest.mark.parametrize("check", BROKER_CHECKS)
async def test_keeps_the_contract(check: str, tmp_path: Path) -> None:
    clock = FakeClock()
    await check_broker(
        lambda *, presence_ttl: SQLiteBroker(
            str(tmp_path / "hub.db"), presence_ttl=presence_ttl, clock=clock
        ),
        clock=clock,
        durable=True,
        only=check,
    )


def killed_in_the_middle(path: Path, run: str, lines: int) -> list[tuple[str, int, str, str]]:
    """Run a publisher, kill it with -9 after so many acknowledgements; return all that it got."""
    program = Path(publish_until_killed.__file__)
    environment = {**os.environ, "PYTHONPATH": str(program.parents[3])}
    with subprocess.Popen(
        [sys.executable, str(program), str(path), run], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout
        acknowledged = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        acknowledged += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    words = [line.decode().split() for line in acknowledged if line.endswith(b"\n")]
    return [(channel, int(offset), epoch, name) for channel, offset, epoch, name in words]


@pytest.mark.timeout(90)
async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    acknowledged: list[tuple[str, int, str, str]] = []
    for run, lines in enumerate((1, 700, 1500, 400)):
        acknowledged += killed_in_the_middle(path, f"run{run}", lines)
    broker = SQLiteBroker(str(path))
    await broker.start(Heard(), "node")
    epochs = {channel: epoch for channel, _, epoch, _ in acknowledged}
    assert len({(channel, epoch) for channel, _, epoch, _ in acknowledged}) == len(
        epochs
    )  # no restart changed one
    for channel in epochs:
        kept, position = await broker.history(channel, history=publish_until_killed.HISTORY)
        assert position.epoch == epochs[channel]
        assert [publication.offset for publication in kept] == list(range(1, position.offset + 1))
        names = [bytes(publication.data).decode().strip('"') for publication in kept]
        assert len(set(names)) == len(names)
        for acknowledged_channel, offset, _, name in acknowledged:
            if acknowledged_channel == channel:
                assert names[offset - 1] == name
    channel, offset, epoch, name = acknowledged[-1]
    again = await broker.publish(
        channel, numbered(1), history=publish_until_killed.HISTORY, idempotency_key=name
    )
    assert again == PublishResult(StreamPosition(offset, epoch), duplicate=True)
    await broker.close()


async def test_a_second_process_gets_an_error_that_names_the_first(tmp_path: Path) -> None:
    path = str(tmp_path / "hub.db")
    broker = SQLiteBroker(path)
    await broker.start(Heard(), "node")
    program = (
        "import asyncio, sys; from openline.hub.brokers.sqlite import SQLiteBroker\n"
        "try: asyncio.run(SQLiteBroker(sys.argv[1]).start(None, 'x'))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    told = await asyncio.to_thread(subprocess.check_output, [sys.executable, "-c", program, path], text=True)
    assert told.startswith(f"BrokerDown {path} is in use by process {os.getpid()}: one process owns")
    with pytest.raises(BrokerDown, match=f"{path} is in use by process {os.getpid()}, this one"):
        await SQLiteBroker(path).start(Heard(), "other")
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with pytest.raises(BrokerDown, match="this one"):
        await SQLiteBroker(str(link)).start(Heard(), "other")
    await broker.publish("c", numbered(1), history=KEPT)  # the first was not disturbed
    await broker.close()
    await broker.start(Heard(), "node")
    await broker.close()


async def refused(path: Path, error: str) -> None:
    with pytest.raises(BrokerDown, match=error) as info:
        await SQLiteBroker(str(path)).start(Heard(), "node")
    assert str(path) in str(info.value)


async def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("not a database at all " * 100)
    await refused(text, "not a database")
    assert text.read_text() == "not a database at all " * 100
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE things (name)")
    await refused(other, "another program")
    newer = tmp_path / "newer.db"
    broker = SQLiteBroker(str(newer))
    await broker.start(Heard(), "node")
    await broker.close()
    with contextlib.closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
    await refused(newer, "newer openline")
    await refused(tmp_path / "no" / "folder.db", "No such file or directory")
    folder = tmp_path / "folder"
    folder.mkdir()
    await refused(folder, "unable to open")


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """In a process without root's rights, for which alone a file can be read-only."""
    if os.getuid() != 0:
        pytest.skip("gives up root's rights, and so needs them")
    path = tmp_path / "hub.db"
    program = (
        "import asyncio, os, sys\n"
        "from openline.hub.brokers.sqlite import SQLiteBroker\n"
        "from openline.testing.broker_stage import Heard\n"
        "async def main():\n"
        "    broker = SQLiteBroker(sys.argv[1])\n"
        "    await broker.start(Heard(), 'node')\n"
        "    await broker.close()\n"
        "asyncio.run(main())\n"
        "for name in (sys.argv[1], sys.argv[1] + '-lock'): os.chmod(name, 0o666)\n"
        "os.chmod(sys.argv[1], 0o444)\n"
        "os.setuid(65534)\n"
        "try: asyncio.run(main())\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and str(folder).startswith(tempfile.gettempdir() + "/"):
            folder.chmod(0o755)
    told = subprocess.check_output([sys.executable, "-c", program, str(path)], text=True)
    assert told.startswith("BrokerDown ")
    assert "readonly database" in told or "unable to open" in told


async def test_damage_is_told_and_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    broker = SQLiteBroker(str(path))
    await broker.start(Heard(), "node")
    for n in range(200):
        await broker.publish("c", Publication(data=Payload(b"%d" % n * 500)), history=KEPT)
    await broker.close()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = os.urandom(len(content) - 4096 * 2)
    path.write_bytes(content)

    async def use() -> None:
        await broker.start(Heard(), "node")
        await broker.history("c", history=KEPT)

    with pytest.raises(BrokerDown, match=r"hub\.db"):
        await use()
    await broker.close()


@contextlib.contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """What the kernel does on a full disk, for files that would become larger than this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_fails_what_does_not_fit_and_nothing_else(tmp_path: Path) -> None:
    broker, heard = SQLiteBroker(str(tmp_path / "hub.db")), Heard()
    await broker.start(heard, "node")
    await broker.subscribe("c")
    first = await broker.publish("c", numbered(1), history=KEPT, idempotency_key="1")
    with no_file_larger_than(200_000):
        outcomes = await asyncio.gather(
            *(
                broker.publish(
                    "c", Publication(data=Payload(b"x" * 50_000)), history=KEPT, idempotency_key=f"big{n}"
                )
                for n in range(20)
            ),
            return_exceptions=True,
        )
        assert all(isinstance(outcome, BrokerDown) for outcome in outcomes), outcomes
        assert await broker.history("c", history=KEPT, limit=0) == ([], first.position)
    assert len(heard.of("c")) == 1  # nobody hears of what was not kept
    second = await broker.publish("c", numbered(2), history=KEPT, idempotency_key="big3")
    assert second == PublishResult(StreamPosition(2, first.position.epoch))  # nor was its key remembered
    kept, _ = await broker.history("c", history=KEPT)
    assert [publication.offset for publication in kept] == [1, 2]
    await broker.close()


async def test_the_file_has_a_bound(tmp_path: Path) -> None:
    broker = SQLiteBroker(str(tmp_path / "hub.db"), max_size=300_000)
    await broker.start(Heard(), "node")
    big = HistoryOptions(1000, 600.0)
    with pytest.raises(BrokerDown, match="full"):
        await asyncio.gather(
            *(broker.publish("c", Publication(data=Payload(b"x" * 20_000)), history=big) for _ in range(30))
        )
    result = await broker.publish("c", numbered(1), history=big)
    assert result.position.offset == 1
    await broker.close()


async def test_what_waits_is_bounded(tmp_path: Path) -> None:
    broker = SQLiteBroker(str(tmp_path / "hub.db"), max_waiting=100_000)
    await broker.start(Heard(), "node")
    outcomes = await asyncio.gather(
        *(broker.publish("c", Publication(data=Payload(b"x" * 10_000)), history=KEPT) for _ in range(30)),
        return_exceptions=True,
    )
    made = [outcome for outcome in outcomes if isinstance(outcome, PublishResult)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, BrokerDown)]
    assert len(made) == 9
    assert len(refused) == 21
    assert "wait to be written" in str(refused[0])
    assert broker.counters["waiting_bytes"] == 0
    big = Publication(data=Payload(b"x" * 200_000))
    assert (await broker.publish("c", big, history=KEPT)).position.offset == 10  # alone, it is let in
    await broker.close()


async def test_a_publication_that_cannot_be_stored_fails_alone(tmp_path: Path) -> None:
    broker = SQLiteBroker(str(tmp_path / "hub.db"))
    await broker.start(Heard(), "node")
    outcomes = await asyncio.gather(
        *(broker.publish(name, numbered(1), history=KEPT) for name in ("a", "\ud800", "b")),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], UnicodeEncodeError)
    assert all(isinstance(outcome, PublishResult) for outcome in (outcomes[0], outcomes[2]))
    await broker.close()


async def test_publications_of_a_turn_share_a_transaction(tmp_path: Path) -> None:
    broker = SQLiteBroker(str(tmp_path / "hub.db"))
    await broker.start(Heard(), "node")
    before = broker.counters["transactions"]
    await asyncio.gather(*(broker.publish(f"c{n % 7}", numbered(n), history=KEPT) for n in range(500)))
    assert broker.counters["transactions"] == before + 1
    await broker.close()


async def test_one_object_published_twice_at_once_is_two_publications(tmp_path: Path) -> None:
    broker, heard = SQLiteBroker(str(tmp_path / "hub.db")), Heard()
    await broker.start(heard, "node")
    await broker.subscribe("c")
    publication = numbered(1)
    await asyncio.gather(*(broker.publish("c", publication, history=KEPT) for _ in range(3)))
    assert [told.offset for told, _ in heard.of("c")] == [1, 2, 3]
    await broker.close()


async def test_the_sweep_removes_what_expired_and_gives_pages_back(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    clock = FakeClock()
    broker = SQLiteBroker(str(path), clock=clock)
    await broker.start(Heard(), "node")
    options = HistoryOptions(1000, 10.0, 100.0)
    for n in range(40):
        await asyncio.gather(
            *(
                broker.publish(
                    f"c{n}", Publication(data=Payload(b"x" * 10_000)), history=options, idempotency_key=f"{k}"
                )
                for k in range(10)
            )
        )
    await broker.publish("stays", numbered(1), history=HistoryOptions(10, 1e6, 1e6))
    database = broker._running()

    async def sweep() -> None:
        await database.call(broker.streams.sweep, BrokerDown)

    def count(table: str) -> int:
        return database.writer.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    async def counts() -> list[int]:
        return [
            await database.call(partial(count, table), BrokerDown)
            for table in ("publications", "streams", "keys")
        ]

    assert await counts() == [81, 41, 400]  # rows of 64 KiB at most
    clock.advance(11.0)
    await sweep()
    await sweep()
    assert await counts() == [1, 41, 400]
    clock.advance(400.0)
    for _ in range(20):
        await sweep()
    assert await counts() == [1, 1, 0]
    assert (await broker.history("stays", history=KEPT))[1].offset == 1
    assert (await broker.history("c1", history=options))[1].offset == 0
    await broker.close()
    assert path.stat().st_size < 2_000_000  # of 4 MB that were there


async def test_rows_behind_the_size_are_removed(tmp_path: Path) -> None:
    broker = SQLiteBroker(str(tmp_path / "hub.db"))
    await broker.start(Heard(), "node")
    for n in range(300):
        await broker.publish("c", numbered(n), history=HistoryOptions(10, 600.0))

    def rows() -> int:
        return broker._running().writer.connection.execute("SELECT count(*) FROM publications").fetchone()[0]

    assert 10 <= await broker._running().call(rows, BrokerDown) <= 10 + 16 + 3
    await broker.close()
