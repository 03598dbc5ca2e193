"""Redis killed, restarted, paused and cut off, under the broker's feet."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from openline.hub.brokers.base import BrokerDown
from openline.testing.waiting import until
from tests.hub.brokers.redis.nodes import KEPT, node, publish_when_up, words
from tests.hub.redis_server import (
    DURABLE,
    needs_redis,
    redis_server,
)

pytestmark = needs_redis


async def test_publishing_fails_at_once_while_redis_is_away_and_subscriptions_come_back(
    tmp_path: Path,
) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url, "one") as (one, heard), node(server.url, "two") as (two, _):
            for channel in ("a", "b"):
                await one.subscribe(channel)
            before = (await one.publish("a", words("1"), history=KEPT)).position
            server.kill()
            await one.unsubscribe("b")
            with contextlib.suppress(BrokerDown):  # this one may still be on its way to the dead server
                await one.publish("a", words("lost"), history=KEPT)
            with pytest.raises(BrokerDown, match="out of reach"):
                await one.publish("a", words("lost"), history=KEPT)
            with pytest.raises(BrokerDown, match="out of reach"):
                await one.subscribe("c")
            server.start()
            await heard.until(lambda: bool(heard.restored), "it is subscribed again")
            assert heard.restored == ["a"]
            after = await publish_when_up(two, "a", "2")
            await heard.until(lambda: '"2"' in heard.texts("a"), "it hears others again")
            assert after.epoch != before.epoch


async def test_a_redis_with_an_older_snapshot_begins_new_epochs_and_keeps_what_it_has(tmp_path: Path) -> None:
    options = ("--save", "3600 1", "--appendonly", "no")
    with redis_server(tmp_path, *options) as server:
        async with node(server.url) as (broker, _):
            await broker.subscribe("a")
            first = (await broker.publish("a", words("saved"), history=KEPT)).position
            assert b"OK" in server.ask("SAVE")
            lost = (await broker.publish("a", words("lost"), history=KEPT)).position
            assert (lost.offset, lost.epoch) == (2, first.epoch)
            server.kill()
            server.start()
            after = await publish_when_up(broker, "a", "after")
            assert after.offset == 2
            assert after.epoch != first.epoch
            kept, top = await broker.history("a", history=KEPT)
            assert [bytes(one.data) for one in kept] == [b'"saved"', b'"after"']
            assert top == after


async def test_the_first_question_after_a_restart_begins_the_epoch_too(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--save", "3600 1", "--appendonly", "no") as server:
        async with node(server.url) as (broker, heard):
            await broker.subscribe("a")
            before = (await broker.publish("a", words("1"), history=KEPT)).position
            server.stop()  # with a snapshot of all: but who knows that?
            server.start()
            await heard.until(lambda: bool(heard.restored), "it is back")
            _, top = await broker.history("a", history=KEPT)
            assert top.offset == 1
            assert top.epoch != before.epoch
            assert (await broker.history("a", history=KEPT))[1] == top


async def test_a_durable_redis_keeps_its_epochs(tmp_path: Path) -> None:
    with redis_server(tmp_path, *DURABLE) as server:
        async with node(server.url, durable=True) as (broker, heard):
            await broker.subscribe("a")
            before = (await broker.publish("a", words("1"), history=KEPT, idempotency_key="k")).position
            server.kill()
            server.start()
            await heard.until(lambda: bool(heard.restored), "it is back")
            assert (await broker.history("a", history=KEPT))[1] == before
            again = await broker.publish("a", words("1"), history=KEPT, idempotency_key="k")
            assert again == (before, True)
            assert (await publish_when_up(broker, "a", "2")) == (2, before.epoch)


@pytest.mark.parametrize("how", ["stopped process", "CLIENT PAUSE"])
async def test_a_redis_that_hangs_is_given_up_and_found_again(tmp_path: Path, how: str) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url, command_timeout=0.4) as (broker, heard):
            await broker.subscribe("a")
            await broker.publish("a", words("0"), history=KEPT)
            if how == "stopped process":
                server.pause()
            else:
                server.ask("CLIENT", "PAUSE", "2000", "ALL")
            with pytest.raises(BrokerDown, match=r"no answer in 0\.4 s"):
                await broker.publish("a", words("1"), history=KEPT)
            with pytest.raises(BrokerDown):
                await broker.publish("a", words("2"), history=KEPT)
            server.resume()

            async def heard_again() -> bool:
                await publish_when_up(broker, "a", "3")
                return '"3"' in heard.texts("a")

            # The subscription may have slept through it, or be made anew some time.
            await until(heard_again, "life goes on")
            kept, top = await broker.history("a", history=KEPT)
            texts = [bytes(one.data).decode() for one in kept if bytes(one.data) != b'"3"']
            # What was on its way when it hung is there once, or not at all.
            assert texts in (['"0"'], ['"0"', '"1"'])
            assert [one.offset for one in kept] == list(range(1, top.offset + 1))


async def test_a_silent_subscription_connection_is_noticed(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, heard):
            await broker.subscribe("a")
            assert b":" in server.ask("CLIENT", "KILL", "TYPE", "pubsub")
            await heard.until(lambda: bool(heard.restored), "it listens again")
            await broker.publish("a", words("1"), history=KEPT)
            await heard.until(lambda: bool(heard.publications), "and hears")


async def test_a_publication_waits_for_redis_where_it_may(tmp_path: Path) -> None:
    with redis_server(tmp_path, *DURABLE) as server:
        async with node(server.url, durable=True, publish_wait=10.0) as (broker, _):
            await broker.subscribe("a")
            server.kill()
            publishing = [
                asyncio.create_task(broker.publish("a", words(str(number)), history=KEPT))
                for number in range(20)
            ]
            await asyncio.wait(publishing, timeout=0.3)
            assert not any(task.done() for task in publishing)
            server.start()
            results = await asyncio.gather(*publishing)
            assert sorted(result.position.offset for result in results) == list(range(1, 21))
            assert not any(result.duplicate for result in results)
            kept, _ = await broker.history("a", history=KEPT)
            assert len({bytes(one.data) for one in kept}) == len(kept) == 20


async def test_a_publication_whose_answer_was_lost_is_stored_once(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url, publish_wait=10.0, command_timeout=0.3) as (broker, _):
            await broker.subscribe("a")
            server.pause()
            publishing = asyncio.create_task(broker.publish("a", words("1"), history=KEPT))
            await asyncio.wait(
                [publishing], timeout=0.8
            )  # given up at least once; the commands lie in sockets
            assert not publishing.done()
            server.resume()
            result = await publishing
            assert result == ((1, result.position.epoch), False)
            assert (await broker.publish("a", words("2"), history=KEPT)).position.offset == 2
            kept, _ = await broker.history("a", history=KEPT)
            assert [bytes(one.data) for one in kept] == [b'"1"', b'"2"']


async def test_a_doubtful_publication_is_not_repeated_on_a_redis_that_may_have_forgotten_it(
    tmp_path: Path,
) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url, publish_wait=10.0, command_timeout=5.0) as (broker, _):
            server.pause()
            publishing = asyncio.create_task(broker.publish("a", words("1"), history=KEPT))
            await asyncio.wait([publishing], timeout=0.1)
            server.kill()
            server.start()
            with pytest.raises(BrokerDown, match="started anew"):
                await publishing
