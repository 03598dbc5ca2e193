"""A Cluster of real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.crc import key_slot

from openline.hub.redis.cluster import Cluster, _read_map
from openline.hub.redis.link import RedisDown
from openline.hub.redis.options import RedisOptions, parse
from openline.hub.redis.scripts import Script
from openline.hub.redis.topology import Uses
from tests.hub.redis_server import RedisServer, needs_redis, redis_cluster

COUNT = Script("count", "return redis.call('INCR', KEYS[1])")


def ignore(channels: list[bytes]) -> None:
    pass


def cluster(*servers: RedisServer, restored: Callable[[list[bytes]], None] = ignore) -> Cluster:
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    [place], _ = parse(f"redis+cluster://{hosts}", {})
    options = RedisOptions(reconnect_max=0.1, start_wait=10.0, connect_timeout=1.0)
    return Cluster(place, Uses(options, (COUNT,), RedisDown, restored))


def owner(servers: list[RedisServer], key: bytes) -> RedisServer:
    return next(s for number, s in enumerate(servers) if key_slot(key) < 16384 * (number + 1) // 3)


@needs_redis
async def test_each_key_goes_to_its_node(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as servers:
        shard = cluster(servers[0])
        await shard.start()
        keys = [b"key %d" % number for number in range(30)]
        assert await asyncio.gather(*(shard.run(COUNT, [key], []) for key in keys)) == [1] * 30
        assert await asyncio.gather(*(shard.command(key, "GET", key) for key in keys)) == [b"1"] * 30
        assert len({shard.run_id(key) for key in keys}) == 3
        for key in keys:
            assert b"1" in owner(servers, key).ask("GET", key.decode())
        await shard.close()


@needs_redis
async def test_a_key_on_the_way_is_asked_for_at_its_new_place(tmp_path: Path) -> None:
    """While a slot migrates its old node answers ASK, afterwards MOVED."""
    with redis_cluster(tmp_path) as servers:
        shard = cluster(*servers)
        await shard.start()
        slot = str(key_slot(b"key"))
        source = owner(servers, b"key")
        target = next(server for server in servers if server is not source)
        ids = {s: s.ask("CLUSTER", "MYID").split(b"\r\n")[1].decode() for s in (source, target)}
        assert b"OK" in target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        assert b"OK" in source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        assert await shard.run(COUNT, [b"key"], []) == 1
        assert await shard.command(b"key", "INCR", b"key") == 2
        assert b":0" in source.ask("DBSIZE")
        for server in (target, source):
            assert b"OK" in server.ask("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        assert await shard.run(COUNT, [b"key"], []) == 3
        assert shard.run_id(b"key").encode() in target.ask("INFO", "server")
        await shard.close()


@needs_redis
async def test_one_node_down_leaves_the_others(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as servers:
        for server in servers:
            server.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
        restored: asyncio.Queue[list[bytes]] = asyncio.Queue()
        shard = cluster(servers[0], restored=restored.put_nowait)
        await shard.start()
        keys = [b"key %d" % number for number in range(30)]
        for key in keys:
            await shard.subscribe(key, lambda message: None)
        dead = [key for key in keys if owner(servers, key) is servers[1]]
        servers[1].kill()
        for key in keys:
            if key in dead:
                with pytest.raises(RedisDown):
                    await shard.command(key, "INCR", key)
            else:
                assert await shard.command(key, "INCR", key) == 1
        servers[1].start()
        assert await shard.wait_up(dead[0], asyncio.get_running_loop().time() + 10)
        again: list[bytes] = []
        while len(again) < len(dead):
            again += await restored.get()
        assert sorted(again) == sorted(dead)
        await shard.close()


async def test_no_node_at_all(closed_port: int) -> None:
    [place], _ = parse(f"redis+cluster://127.0.0.1:{closed_port}", {})
    shard = Cluster(place, Uses(RedisOptions(), (), RedisDown, ignore))
    with pytest.raises(RedisDown, match="Cluster cannot be reached"):
        await shard.start()
    with pytest.raises(RedisDown, match="no node of the Redis Cluster has slot"):
        await shard.command(b"a", "PING")
    await shard.close()


def test_a_map_is_read_or_refused() -> None:
    assert _read_map([[5, 9, [b"h", 1, b"id", []], [b"r", 2, b"id"]], [0, 4, [b"", 3, b"id"]]], "asked") == [
        (0, 4, ("asked", 3)),
        (5, 9, ("h", 1)),
    ]
    for answer in (None, [], b"x", [[1]], [[0, 16384, [b"h", 1]]], [[9, 5, [b"h", 1]]], [[0, 1, []]]):
        with pytest.raises(ValueError):
            _read_map(answer, "asked")
