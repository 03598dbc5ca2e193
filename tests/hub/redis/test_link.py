"""A link: many commands at once, over connections that break."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openline.hub.redis.link import Link, RedisDown
from openline.hub.redis.options import RedisOptions, Settings
from openline.hub.redis.scripts import Script
from openline.hub.redis.topology import Changes
from tests.hub.redis_server import RedisServer, needs_redis, redis_server

pytestmark = needs_redis


class Watched:
    """A link and its changes."""

    def __init__(self, server: RedisServer, scripts: tuple[Script, ...] = (), **options: float) -> None:
        self.changes = Changes()
        self.link = Link(
            "Redis",
            self.locate,
            RedisOptions(reconnect_max=0.1, **options),
            down=RedisDown,
            changed=lambda _: self.changes.tell(),
            scripts=scripts,
        )
        self.settings = {"host": "127.0.0.1", "port": server.port}

    async def locate(self) -> Settings:
        return self.settings

    async def until(self, up: bool) -> None:
        while self.link.up is not up:
            await self.changes.next()


@contextlib.asynccontextmanager
async def link(server: RedisServer, *scripts: Script, **options: float) -> AsyncIterator[Watched]:
    watched = Watched(server, scripts, **options)
    try:
        await watched.until(up=True)
        yield watched
    finally:
        await watched.link.close()


async def test_replies_find_their_commands(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with link(server) as one:
            calls = [one.link.call(("ECHO", str(number))) for number in range(1000)]
            cancelled = calls[500]
            cancelled.cancel()
            wrong = one.link.call(("NOPE",))
            last = one.link.call(("ECHO", "last"))
            assert one.link.waiting == 1002
            assert await last == b"last"
            assert [call.result() for call in calls if call is not cancelled] == [
                str(number).encode() for number in range(1000) if number != 500
            ]
            with pytest.raises(RedisDown, match="unknown command") as caught:
                await wrong
            assert not caught.value.sent
            assert one.link.waiting == 0


async def test_what_is_asked_for_in_one_turn_leaves_in_one_write(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with link(server) as one:
            reads = b"total_reads_processed:"
            before = await one.link.call(("INFO", "stats"))
            await asyncio.gather(*(one.link.call(("INCR", "n")) for _ in range(100)))
            after = await one.link.call(("INFO", "stats"))
            assert isinstance(before, bytes)
            assert isinstance(after, bytes)
            count = [int(text.split(reads)[1].split(b"\r")[0]) for text in (before, after)]
            assert count[1] - count[0] <= 3


async def test_a_script_is_loaded_and_sent_again_when_redis_forgot_it(tmp_path: Path) -> None:
    script = Script("double", "return ARGV[1] * 2")
    with redis_server(tmp_path) as server:
        async with link(server, script) as one:
            assert b"*1\r\n:1" in server.ask("SCRIPT", "EXISTS", script.digest)
            assert await one.link.call((0, 4), script=script) == 8
            await one.link.call(("SCRIPT", "FLUSH", "SYNC"))
            calls = [one.link.call((0, number), script=script) for number in range(20)]
            assert await asyncio.gather(*calls) == [2 * number for number in range(20)]
            assert b"*1\r\n:1" in server.ask("SCRIPT", "EXISTS", script.digest)


async def test_what_waits_when_the_connection_breaks_is_told(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with link(server) as one:
            server.pause()
            left = one.link.call(("PING",))
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # it has left
            waits = one.link.call(("PING",))
            server.kill()
            with pytest.raises(RedisDown, match="out of reach") as caught:
                await left
            assert caught.value.sent
            with pytest.raises(RedisDown):
                await waits
            with pytest.raises(RedisDown) as caught:
                one.link.call(("PING",))
            assert not caught.value.sent
            server.start()
            await one.until(up=True)
            assert await one.link.call(("PING",)) == b"PONG"


async def test_an_overdue_answer_ends_the_connection(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with link(server, command_timeout=0.2) as one:
            server.pause()
            with pytest.raises(RedisDown, match=r"no answer in 0\.2 s"):
                await one.link.call(("PING",))
            server.resume()
            await one.until(up=True)


async def test_a_server_that_hangs_is_noticed_without_any_command(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with link(server, command_timeout=0.2, ping_interval=0.1) as one:
            server.pause()
            await one.until(up=False)
            assert "no answer" in str(one.link.error)
            server.resume()


async def test_both_bounds_hold(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with link(server, max_waiting=2, max_waiting_size=1000) as one:
            big = one.link.call(("SET", "a", b"x" * 800))
            with pytest.raises(RedisDown, match="too many"):
                one.link.call(("SET", "a", b"x" * 800))
            small = one.link.call(("PING",))
            with pytest.raises(RedisDown, match="too many"):
                one.link.call(("PING",))
            assert await one.link.call(("PING",), urgent=True) == b"PONG"
            await asyncio.gather(big, small)
            assert await one.link.call(("SET", "a", b"x" * 800)) == b"OK"


async def test_a_server_that_becomes_a_replica_is_left(tmp_path: Path) -> None:
    with redis_server(tmp_path / "1") as server, redis_server(tmp_path / "2") as other:
        async with link(server) as one:
            server.ask("REPLICAOF", "127.0.0.1", str(other.port))
            with pytest.raises(RedisDown, match="READONLY"):
                await one.link.call(("SET", "a", "b"))
            await one.until(up=False)
            one.settings = {"host": "127.0.0.1", "port": other.port}
            await one.until(up=True)
            assert await one.link.call(("SET", "a", "b")) == b"OK"


async def test_closing_ends_what_waits(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with link(server) as one:
            server.pause()
            waits = one.link.call(("PING",))
            await one.link.close()
            with pytest.raises(RedisDown):
                await waits
            with pytest.raises(RedisDown):
                one.link.call(("PING",))
            await one.link.close()
            server.resume()
