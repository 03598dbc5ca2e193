"""The Redis broker on a real server; more in the files beside."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from openline.hub.brokers.base import BrokerDown
from openline.hub.brokers.redis import RedisBroker
from openline.testing import BROKER_CHECKS, check_broker
from openline.testing.broker_stage import Heard
from tests.hub.brokers.redis.nodes import KEPT, QUICK, node, words
from tests.hub.redis_server import (
    RedisServer,
    needs_redis,
    redis_server,
)

pytestmark = needs_redis


@pytest.mark.parametrize("check", BROKER_CHECKS)
async def test_the_contract_is_kept(tmp_path: Path, check: str) -> None:
    with redis_server(tmp_path) as server:

        def make_broker(*, presence_ttl: float) -> RedisBroker:
            return RedisBroker(server.url, presence_ttl=presence_ttl)

        await check_broker(make_broker, durable=True, only=check)


async def test_what_one_node_publishes_all_hear(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url, "one") as (one, heard_one), node(server.url, "two") as (two, heard_two):
            await one.subscribe("chat")
            await two.subscribe("chat")
            first = await one.publish("chat", words("a"), history=KEPT)
            second = await two.publish("chat", words("b"), history=KEPT)
            assert (first.position.offset, second.position.offset) == (1, 2)
            for heard in (heard_one, heard_two):
                await heard.until(lambda heard=heard: len(heard.publications) == 2, "both hear both")
                assert [position for _, position in heard.of("chat")] == [first.position, second.position]
                assert heard.texts("chat") == ['"a"', '"b"']
                assert heard.restored == []


async def test_a_node_hears_only_channels_that_it_has(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, heard):
            await broker.subscribe("mine")
            await broker.subscribe("given up")
            await broker.unsubscribe("given up")
            for channel in ("foreign", "given up", "mine"):
                await broker.publish(channel, words(channel), history=KEPT)
            await heard.until(lambda: bool(heard.publications), "its own channel")
            assert [channel for channel, _, _ in heard.publications] == ["mine"]
            listing = server.ask("PUBSUB", "SHARDCHANNELS")
            assert b"openline:mine" in listing
            assert b"foreign" not in listing
            assert b"given up" not in listing


async def test_names_of_channels_may_hold_anything(tmp_path: Path) -> None:
    names = ["}", "{", "a}b", "a%7Db", "a{b}c", "%", "ü\u2028", "chat:a#1,2", "x" * 255, "a b\r\nc"]
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, heard):
            for name in names:
                await broker.subscribe(name)
            for name in names:
                assert (await broker.publish(name, words("x"), history=KEPT)).position.offset == 1, name
            await heard.until(lambda: len(heard.publications) == len(names), "each its own")
            assert [channel for channel, _, _ in heard.publications] == names


async def test_a_redis_that_is_down_at_start_is_named(closed_port: int) -> None:
    broker = RedisBroker(f"redis://127.0.0.1:{closed_port}")
    with pytest.raises(BrokerDown, match=f"127.0.0.1:{closed_port} cannot be reached"):
        await broker.start(Heard(), "one")
    await broker.close()


async def test_start_waits_for_redis_where_it_may(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "--save", "")
    broker = RedisBroker(server.url, **QUICK)
    starting = asyncio.create_task(broker.start(Heard(), "one"))
    try:
        await asyncio.sleep(0.1)  # the first attempt has failed, or not: both are fine
        server.start()
        await starting
        await broker.publish("a", words("a"))
    finally:
        await broker.close()
        server.kill()


async def test_a_broker_that_was_not_started_says_so() -> None:
    broker = RedisBroker()
    with pytest.raises(BrokerDown, match="not started"):
        await broker.publish("a", words("a"))
    await broker.close()


async def test_scripts_that_redis_forgot_are_sent_again(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, heard):
            await broker.subscribe("a")
            assert b"OK" in server.ask("SCRIPT", "FLUSH", "SYNC")
            results = await asyncio.gather(
                *(broker.publish("a", words(str(number)), history=KEPT) for number in range(50))
            )
            assert sorted(result.position.offset for result in results) == list(range(1, 51))
            await heard.until(lambda: len(heard.publications) == 50, "all of them")
            assert await broker.presence_stats("a") == (0, 0)


async def test_too_many_commands_are_refused(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url, max_waiting=10) as (broker, _):
            outcomes = await asyncio.gather(
                *(broker.publish("a", words("x"), history=KEPT) for _ in range(15)), return_exceptions=True
            )
            refused = [outcome for outcome in outcomes if isinstance(outcome, BrokerDown)]
            assert len(refused) == 5
            assert "too many commands wait" in str(refused[0])
            assert (await broker.history("a", history=KEPT))[1].offset == 10
        async with node(server.url, max_waiting_size=10_000) as (broker, _):
            with pytest.raises(BrokerDown, match="too many commands wait"):
                await broker.publish("a", words("x" * 10_000))


async def test_calls_need_no_current_task_before_they_suspend(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url, publish_wait=1.0) as (broker, heard):
            calls = [
                broker.subscribe("a"),
                broker.publish("a", words("1"), history=KEPT),
                broker.history("a", history=KEPT),
                broker.occupy("a"),
                broker.renew_occupation(["a"]),
                broker.presence("a"),
            ]
            loop = asyncio.get_running_loop()
            outcomes: asyncio.Future[list[str]] = loop.create_future()

            def first_steps() -> None:
                assert asyncio.current_task() is None
                failed = []
                for call in calls:
                    try:
                        call.send(None)._asyncio_future_blocking = False
                    except BaseException as error:
                        failed.append(repr(error))
                outcomes.set_result(failed)

            loop.call_soon(first_steps)
            assert await outcomes == []
            await heard.until(lambda: bool(heard.publications), "the command has left")
            for call in calls:
                call.close()
