"""Which server is asked: a single one, or Sentinel's master."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from openline.hub.redis.link import RedisDown
from openline.hub.redis.options import RedisOptions, parse
from openline.hub.redis.scripts import Script
from openline.hub.redis.topology import Changes, SingleMaster, Uses
from tests.hub.redis_server import needs_redis, redis_sentinel, redis_server

WHO = Script("who", "return ARGV[1]", positioned=True)


def uses(restored: Callable[[list[bytes]], None] | None = None, **options: float) -> Uses:
    chosen = RedisOptions(**{"reconnect_max": 0.1, "start_wait": 10.0, **options})
    return Uses(chosen, (WHO,), RedisDown, restored)


async def test_changes_wake_all_who_wait_or_time_does() -> None:
    changes = Changes()
    waiting = [changes.next(), changes.next(), changes.next(asyncio.get_running_loop().time() + 1000)]
    waiting[1].cancel()
    changes.tell()
    await waiting[0]
    await waiting[2]
    await changes.next(asyncio.get_running_loop().time())


@needs_redis
async def test_a_positioned_script_is_told_the_server(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        [place], _ = parse(server.url, {})
        shard = SingleMaster(place, uses())
        await shard.start()
        run_id = await shard.run(WHO, [b"a"], [])
        assert isinstance(run_id, bytes)
        assert shard.run_id(b"a") == run_id.decode()
        assert run_id in server.ask("INFO", "server")
        assert await shard.command(b"a", "PING") == b"PONG"
        await shard.close()
        durable = SingleMaster(place, uses(durable=True))
        await durable.start()
        assert await durable.run(WHO, [b"a"], []) == b""
        await durable.close()


@needs_redis
async def test_waiting_for_a_server(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    with redis_server(tmp_path) as server:
        [place], _ = parse(server.url, {})
        shard = SingleMaster(place, uses())
        await shard.start()
        assert await shard.wait_up(b"a", loop.time())
        server.kill()
        with pytest.raises(RedisDown):
            await shard.command(b"a", "PING")
        assert shard.run_id(b"a") == ""
        assert not await shard.wait_up(b"a", loop.time() + 0.05)
        server.start()
        assert await shard.wait_up(b"a", loop.time() + 10)
        await shard.close()


@needs_redis
async def test_both_links_are_with_the_same_server(tmp_path: Path) -> None:
    """After a failover whose former master lives, a link may be left there; Sentinel then closes it, but who knows."""
    with redis_server(tmp_path / "1") as first, redis_server(tmp_path / "2") as second:
        restored: asyncio.Queue[list[bytes]] = asyncio.Queue()
        [place], _ = parse(first.url, {})
        settings = dict(place.settings)
        shard = SingleMaster(place._replace(settings=settings), uses(restored.put_nowait))
        await shard.start()
        heard = asyncio.Event()
        await shard.subscribe(b"a", lambda message: heard.set())
        settings["port"] = second.port
        first.ask("CLIENT", "KILL", "TYPE", "normal")
        assert await restored.get() == [b"a"]
        assert await shard.command(b"a", "SPUBLISH", "a", "x") == 1
        await heard.wait()
        await shard.close()


@needs_redis
async def test_sentinels_are_asked_one_after_the_other(tmp_path: Path, closed_port: int) -> None:
    with redis_sentinel(tmp_path) as (master, _, sentinel):
        hosts = f"127.0.0.1:{closed_port},127.0.0.1:{sentinel.port}"
        [place], _ = parse(f"redis+sentinel://{hosts}/main", {})
        shard = SingleMaster(place, uses())
        await shard.start()
        assert shard.run_id(b"a").encode() in master.ask("INFO", "server")
        await shard.close()
        [place], _ = parse(f"redis+sentinel://{hosts}/other", {})
        shard = SingleMaster(place, uses(start_wait=0.0))
        with pytest.raises(RedisDown, match=r"Redis other cannot be reached: .*Sentinel does not know other"):
            await shard.start()
        await shard.close()
