"""A file of this process, and who uses it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from pathlib import Path

import pytest

from openline.hub.brokers.base import BrokerDown
from openline.hub.brokers.sqlite import SQLiteBroker
from openline.hub.publication import Publication, PublishResult, StreamPosition
from openline.hub.sqlite.database import Database, Settings
from openline.hub.stores.base import StoreDown
from openline.hub.stores.sqlite import SQLiteStore
from openline.testing.broker_stage import KEPT, Heard, numbered


def threads() -> int:
    return sum(thread.name.startswith("openline-sqlite") for thread in threading.enumerate())


async def test_a_broker_and_a_store_share_a_file_and_a_thread(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.db")
    for store_first in (True, False):
        broker, store = SQLiteBroker(path), SQLiteStore(path)
        if store_first:
            await store.start()
        await broker.start(Heard(), "node")
        await store.start()
        assert threads() == 1
        before = broker.counters["transactions"]
        await asyncio.gather(
            *(broker.publish("c", numbered(n), history=KEPT) for n in range(10)),
            *(store.append("log", b"x") for _ in range(10)),
        )
        assert broker.counters["transactions"] == before + 1
        if store_first:
            await store.close()
            await broker.publish("c", numbered(1), history=KEPT)
            await broker.close()
        else:
            await broker.close()
            await store.append("log", b"x")
            await store.close()
        assert threads() == 0
    async with asyncio.timeout(10):
        await store.start()
    assert await store.length("log") == 21
    await store.close()


async def test_of_each_kind_there_is_one(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.db")
    store = SQLiteStore(path)
    await store.start()
    with pytest.raises(StoreDown, match="has a store there already"):
        await SQLiteStore(path).start()
    await store.append("log", b"x")
    await store.close()


async def test_who_opens_while_another_closes_waits(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.db")
    for _ in range(20):
        first, second = SQLiteBroker(path), SQLiteBroker(path)
        await first.start(Heard(), "node")
        publishing = asyncio.ensure_future(first.publish("c", numbered(1), history=KEPT))
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(first.close())
        for _ in range(3):
            await asyncio.sleep(0)
        with contextlib.suppress(BrokerDown):  # it may come before the first has begun to let go
            await second.start(Heard(), "node")
        await closing
        assert isinstance(await publishing, PublishResult)
        await second.close()


def test_a_loop_that_ended_without_close_does_not_keep_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.db")

    async def forget() -> None:
        broker = SQLiteBroker(path)
        await broker.start(Heard(), "node")
        await broker.publish("c", numbered(1), history=KEPT)
        broker._shut()  # its timer ends with the loop anyway

    async def go_on() -> None:
        broker = SQLiteBroker(path)
        await broker.start(Heard(), "node")
        assert (await broker.history("c", history=KEPT))[1].offset == 1
        await broker.close()

    asyncio.run(forget())
    asyncio.run(go_on())
    assert threads() == 0


async def test_another_loop_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.db")
    broker = SQLiteBroker(path)
    await broker.start(Heard(), "node")

    def other() -> None:
        asyncio.run(SQLiteStore(path).start())

    with pytest.raises(StoreDown, match="another loop"):
        await asyncio.to_thread(other)
    await broker.close()


async def test_a_call_that_is_cancelled_does_not_count_as_waiting(tmp_path: Path) -> None:
    store = SQLiteStore(str(tmp_path / "chat.db"), max_waiting=10_000)
    await store.start()
    database = store._running()
    for _ in range(5):
        tasks = [asyncio.ensure_future(store.append("log", b"x" * 1000)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.length("log")
        assert database.waiting == 0
    await store.close()


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="synchronous"):
        Settings("off", None, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="above 0"):
        Settings(None, 0, 1)
    with pytest.raises(ValueError, match="above 0"):
        Settings(None, None, 0)


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.db")
    task = asyncio.ensure_future(SQLiteBroker(path).start(Heard(), "node"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    broker = SQLiteBroker(path)
    await broker.start(Heard(), "node")
    await broker.close()
    assert not Database._open


async def test_many_outcomes_leave_the_loop_to_others_meanwhile(tmp_path: Path) -> None:
    turns = 0

    class Slow(Heard):
        def on_publication(self, channel: str, publication: Publication, position: StreamPosition) -> None:
            super().on_publication(channel, publication, position)
            seen.append(turns)
            end = time.perf_counter() + 0.003
            while time.perf_counter() < end:
                pass

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    seen: list[int] = []
    heard = Slow()
    broker = SQLiteBroker(str(tmp_path / "chat.db"))
    await broker.start(heard, "node")
    await broker.subscribe("c")
    counting = asyncio.ensure_future(count_turns())
    await asyncio.gather(*(broker.publish("c", numbered(n), history=KEPT) for n in range(20)))
    counting.cancel()
    assert [publication.offset for publication, _ in heard.of("c")] == list(range(1, 21))
    assert len(set(seen)) >= 5
    await broker.close()
