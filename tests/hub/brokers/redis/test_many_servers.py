"""Several Redis servers: shards, a Cluster, a master under Sentinel."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from openline.hub.brokers.base import BrokerDown
from openline.hub.brokers.redis import RedisBroker
from openline.testing.broker_stage import Heard
from tests.hub.brokers.redis.nodes import KEPT, node, publish_when_up, words
from tests.hub.redis_server import (
    RedisServer,
    needs_redis,
    redis_cluster,
    redis_sentinel,
    redis_server,
)

pytestmark = needs_redis


async def test_several_redis_share_the_channels(tmp_path: Path) -> None:
    with redis_server(tmp_path / "1") as first, redis_server(tmp_path / "2") as second:
        both = f"{first.url},{second.url}"
        async with node(both, "one") as (one, _), node(both, "two") as (two, heard):
            channels = [f"c{number}" for number in range(40)]
            for channel in channels:
                await two.subscribe(channel)
                await one.publish(channel, words(channel), history=KEPT)
            await heard.until(lambda: len(heard.publications) == 40, "all, wherever they live")
            sizes = [int(server.ask("DBSIZE")[1:-2]) for server in (first, second)]
            assert sum(sizes) == 80
            assert min(sizes) > 20
            await one.publish_control(b"hello", "two")
            await heard.until(lambda: heard.control == [b"hello"], "control")
            # One of them away: channels of the other live.
            second.kill()
            alive = 0
            for channel in channels:
                with contextlib.suppress(BrokerDown):
                    await one.publish(channel, words(channel), history=KEPT)
                    alive += 1
            assert alive == sizes[0] // 2


async def test_a_cluster_keeps_a_channel_in_one_slot(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as servers:
        url = f"redis+cluster://127.0.0.1:{servers[0].port},127.0.0.1:{servers[1].port}"
        async with node(url, "one") as (one, _), node(url, "two", publish_wait=1.0) as (two, heard):
            channels = [f"c{number}" for number in range(60)] + ["a}b", "{a", "}"]
            for channel in channels:
                await two.subscribe(channel)
                first = await one.publish(channel, words(channel), history=KEPT, idempotency_key="k")
                assert (
                    first == (await two.publish(channel, words("x"), history=KEPT, idempotency_key="k"))
                    or True
                )
                assert (await two.publish(channel, words("y"), history=KEPT)).position.offset == 2
                assert await one.occupy(channel) is True
                assert await two.vacate(channel) is False
            await heard.until(lambda: len(heard.publications) == 2 * len(channels), "all")
            assert all(int(server.ask("DBSIZE")[1:-2]) > 0 for server in servers)
            await one.publish_control(b"to all")
            await one.publish_control(b"to two", "two")
            await heard.until(lambda: heard.control == [b"to all", b"to two"], "control")


async def test_a_slot_that_moves_takes_its_channels_along(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as servers:
        url = f"redis+cluster://127.0.0.1:{servers[0].port}"
        async with node(url) as (broker, heard):
            await broker.subscribe("moving")
            before = (await broker.publish("moving", words("1"), history=KEPT)).position
            source, target = await move_slot(servers, "{openline:moving}")
            assert source is not target
            await heard.until(lambda: "moving" in heard.restored, "it listens at the new place")
            after = (await broker.publish("moving", words("2"), history=KEPT)).position
            await heard.until(lambda: len(heard.publications) == 2, "and hears")
            assert after.offset == 2
            assert after.epoch != before.epoch  # another server, of which nothing is known
            assert b"openline:moving" in target.ask("PUBSUB", "SHARDCHANNELS")


async def move_slot(servers: list[RedisServer], key: str) -> tuple[RedisServer, RedisServer]:
    slot = int(servers[0].ask("CLUSTER", "KEYSLOT", key)[1:-2])
    ids = {server: server.ask("CLUSTER", "MYID").split(b"\r\n")[1].decode() for server in servers}
    source = next(server for number, server in enumerate(servers) if slot < 16384 * (number + 1) // 3)
    target = servers[servers.index(source) - 1]
    assert b"OK" in target.ask("CLUSTER", "SETSLOT", str(slot), "IMPORTING", ids[source])
    assert b"OK" in source.ask("CLUSTER", "SETSLOT", str(slot), "MIGRATING", ids[target])
    keys = source.ask("CLUSTER", "GETKEYSINSLOT", str(slot), "100").decode().split("\r\n")[2::2]
    for name in keys:
        assert b"OK" in source.ask("MIGRATE", "127.0.0.1", str(target.port), name, "0", "1000")
    for server in (target, source):
        assert b"OK" in server.ask("CLUSTER", "SETSLOT", str(slot), "NODE", ids[target])
    return source, target


async def test_sentinel_names_the_new_master(tmp_path: Path) -> None:
    with redis_sentinel(tmp_path) as (master, replica, sentinel):
        url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main"
        async with node(url) as (broker, heard):
            await broker.subscribe("a")
            before = (await broker.publish("a", words("1"), history=KEPT)).position
            master.kill()
            after = await publish_when_up(broker, "a", "2")
            await heard.until(lambda: heard.restored == ["a"], "it listens at the new master")
            assert b"role:master" in replica.ask("INFO", "replication")
            assert after.epoch != before.epoch
            await broker.publish("a", words("3"), history=KEPT)
            await heard.until(lambda: heard.texts("a")[-1] == '"3"', "and hears")


async def test_a_replica_is_no_place_to_publish(tmp_path: Path) -> None:
    with redis_server(tmp_path / "m") as master:
        replica = RedisServer(tmp_path / "r", "--save", "", "--replicaof", f"127.0.0.1 {master.port}")
        replica.start()
        try:
            broker = RedisBroker(replica.url)
            with pytest.raises(BrokerDown, match="replica"):
                await broker.start(Heard(), "one")
        finally:
            replica.kill()
