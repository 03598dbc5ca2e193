"""The Redis store on real servers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openline.hub.stores.base import Entry, Row, StoreDown
from openline.hub.stores.redis import RedisStore
from openline.testing import STORE_CHECKS, check_store
from tests.hub.redis_server import DURABLE, needs_redis, redis_cluster, redis_server

pytestmark = needs_redis


@contextlib.asynccontextmanager
async def store(url: str, **options: object) -> AsyncIterator[RedisStore]:
    one = RedisStore(url, start_wait=10.0, reconnect_max=0.2, **options)
    await one.start()
    try:
        yield one
    finally:
        await one.close()


@pytest.mark.parametrize("check", STORE_CHECKS)
async def test_keeps_the_contract(check: str, tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        await check_store(lambda: RedisStore(server.url, start_wait=10.0), only=check)


async def test_a_log_is_appended_to_and_read(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with store(server.url) as one:
            numbers = [await one.append("log", b"%d" % number) for number in range(5)]
            assert numbers == [1, 2, 3, 4, 5]
            assert await one.read("log", after=3) == [Entry(4, b"3"), Entry(5, b"4")]
            assert await one.read("log", limit=2) == [Entry(1, b"0"), Entry(2, b"1")]
            assert await one.read("log", reverse=True, limit=2) == [Entry(5, b"4"), Entry(4, b"3")]
            assert await one.read("log", after=4, reverse=True) == [Entry(5, b"4")]
            assert await one.read("log", limit=0) == []
            assert await one.read("no log") == []
            assert await one.length("log") == 5
            assert await one.delete_entry("log", 2) is True
            assert await one.delete_entry("log", 2) is False
            assert await one.trim("log", 3) == 2
            assert await one.length("log") == 2
            await one.delete_log("log")
            assert await one.length("log") == 0
            assert await one.append("log", b"later") == 6


async def test_a_log_keeps_no_more_than_it_may(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with store(server.url) as one:
            for number in range(10):
                await one.append("log", b"%d" % number, keep=3)
            assert [entry.number for entry in await one.read("log")] == [8, 9, 10]
            await asyncio.gather(*(one.append("long", b"x") for _ in range(2500)))
            assert await one.append("long", b"last", keep=1) == 2501
            assert await one.read("long") == [Entry(2501, b"last")]


async def test_the_beginning_of_a_log_is_replaced(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with store(server.url) as one:
            for number in range(5):
                await one.append("log", b"%d" % number)
            assert await one.replace("log", 3, b"all so far") == 3
            assert await one.read("log") == [Entry(3, b"all so far"), Entry(4, b"3"), Entry(5, b"4")]
            assert await one.read("log", after=3) == [Entry(4, b"3"), Entry(5, b"4")]
            assert await one.replace("log", 9, b"more than all") == 9
            assert await one.append("log", b"next") == 10


async def test_rows_have_versions(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with store(server.url) as one:
            assert await one.get("table", "a") is None
            assert await one.put("table", "a", b"1", expect=1) is None
            assert await one.put("table", "a", b"1", expect=0) == 1
            assert await one.put("table", "a", b"2", expect=0) is None
            assert await one.put("table", "a", b"2", expect=1) == 2
            assert await one.put("table", "a", b"") == 3
            assert await one.get("table", "a") == Row("a", b"", 3)
            assert await one.delete("table", "a") is True
            assert await one.delete("table", "a") is False
            assert await one.put("table", "a", b"anew") == 1


async def test_of_many_who_write_what_they_expect_one_succeeds(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with store(server.url) as one, store(server.url) as two:
            outcomes = await asyncio.gather(
                *(each.put("table", "a", b"x", expect=0) for each in (one, two) for _ in range(20))
            )
            assert sorted(outcomes, key=str) == [1] + [None] * 39


async def test_rows_are_found_by_prefix_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    keys = ["", "a", "a/", "a/1", "a/10", "a/2", "a/ü", "a/\U0001f600", "a0", "b"]
    with redis_server(tmp_path) as server:
        async with store(server.url) as one:
            for key in reversed(keys):
                await one.put("table", key, key.encode())
            ordered = sorted(keys, key=str.encode)
            assert [row.key for row in await one.scan("table")] == ordered
            beneath = [key for key in ordered if key.startswith("a/")]
            assert [row.key for row in await one.scan("table", prefix="a/")] == beneath
            assert [row.key for row in await one.scan("table", prefix="a/", after="a/10")] == beneath[3:]
            assert [row.key for row in await one.scan("table", prefix="a/", after="a")] == beneath
            assert [row.key for row in await one.scan("table", prefix="a/", after="b")] == []
            assert await one.scan("table", prefix="b") == [Row("b", b"b", 1)]
            assert len(await one.scan("table", limit=3)) == 3


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    with redis_server(tmp_path, *DURABLE) as server:
        async with store(server.url) as one:
            for number in range(20):
                await one.append("log", b"%d" % number)
                await one.put("table", str(number), b"x")
            server.kill()
            with pytest.raises(StoreDown):
                await one.append("log", b"nobody is there")
            server.start()
        async with store(server.url) as one:
            assert await one.length("log") == 20
            assert len(await one.scan("table")) == 20


async def test_logs_and_tables_live_in_a_cluster(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as servers:
        async with store(f"redis+cluster://127.0.0.1:{servers[2].port}") as one:
            for number in range(30):
                assert await one.append(f"log {number}", b"x") == 1
                assert await one.replace(f"log {number}", 1, b"y") == 1
                assert await one.put(f"table {number}", "key", b"x") == 1
            assert all(int(server.ask("DBSIZE")[1:-2]) > 0 for server in servers)


async def test_a_redis_that_is_down_is_told_as_store_down(closed_port: int) -> None:
    one = RedisStore(f"redis://127.0.0.1:{closed_port}")
    with pytest.raises(StoreDown, match="cannot be reached"):
        await one.start()
    with pytest.raises(StoreDown, match="not started"):
        await one.append("log", b"x")
    await one.close()
