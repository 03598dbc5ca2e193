"""Streams in Redis: bounds, times to live, and what a script does when parts are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from openline.hub.brokers.base import BrokerDown, EpochChanged
from openline.hub.publication import HistoryOptions, StreamPosition
from tests.hub.brokers.redis.nodes import KEPT, node, words
from tests.hub.redis_server import needs_redis, redis_server

pytestmark = needs_redis

KEY = "{openline:a}"


async def test_size_and_times_to_live_are_those_of_redis(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, _):
            for number in range(5):
                await broker.publish("a", words(str(number)), history=HistoryOptions(3, 60.0, 3600.0))
            assert server.ask("XLEN", f"{KEY}:stream") == b":3\r\n"
            assert 59_000 < int(server.ask("PTTL", f"{KEY}:stream")[1:-2]) <= 60_000
            assert 3_599_000 < int(server.ask("PTTL", f"{KEY}:meta")[1:-2]) <= 3_600_000
            await broker.publish("a", words("x"), history=KEPT, idempotency_key="k")
            keys = server.ask("KEYS", "*:once:*").split(b"\r\n")[2].decode()
            assert 299_000 < int(server.ask("PTTL", keys)[1:-2]) <= 300_000


async def test_without_history_nothing_is_stored(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, _), node(server.url, "waits", publish_wait=1.0) as (waits, _):
            await broker.publish("a", words("x"))
            assert server.ask("DBSIZE") == b":0\r\n"
            await waits.publish("a", words("x"))
            assert b":sent:" in server.ask("KEYS", "*"), "a mark, in case the answer is lost"


async def test_a_stream_whose_meta_is_gone_begins_anew(tmp_path: Path) -> None:
    """As after an eviction: the old publications could not be told from those of the new epoch."""
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, _):
            first = [(await broker.publish("a", words("x"), history=KEPT)).position for _ in range(5)]
            server.ask("DEL", f"{KEY}:meta")
            again = (await broker.publish("a", words("y"), history=KEPT)).position
            assert again.offset == 1
            assert again.epoch != first[0].epoch
            kept, _ = await broker.history("a", history=KEPT)
            assert [one.offset for one in kept] == [1]
            with pytest.raises(EpochChanged):
                await broker.history("a", history=KEPT, since=first[1])


async def test_a_publication_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, _):
            await broker.publish("a", words("x"), history=KEPT)
            server.ask("XADD", f"{KEY}:stream", "7-0", "d", "nonsense")
            with pytest.raises(BrokerDown, match="cannot be read"):
                await broker.history("a", history=KEPT)


async def test_a_key_of_another_type_is_an_error_of_redis(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, _):
            server.ask("SET", f"{KEY}:meta", "somebody else's")
            with pytest.raises(BrokerDown, match="WRONGTYPE"):
                await broker.publish("a", words("x"), history=KEPT)


async def test_reading_backwards_ends_before_the_position(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, _):
            for number in range(5):
                top = (await broker.publish("a", words(str(number)), history=KEPT)).position

            async def offsets(offset: int, limit: int = -1) -> list[int]:
                since = StreamPosition(offset, top.epoch)
                kept, _ = await broker.history("a", history=KEPT, since=since, reverse=True, limit=limit)
                return [one.offset for one in kept]

            assert await offsets(4) == [3, 2, 1]
            assert await offsets(4, 2) == [3, 2]
            assert await offsets(1) == []
            assert await offsets(0) == []
