"""Listening to one server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openline.hub.redis.link import RedisDown
from openline.hub.redis.options import RedisOptions, Settings
from openline.hub.redis.pubsub import PubSub
from openline.hub.redis.topology import Changes
from tests.hub.redis_server import RedisServer, needs_redis, redis_server

pytestmark = needs_redis


class Ear:
    """A listening link, and what it heard."""

    def __init__(self, server: RedisServer) -> None:
        self.port = server.port
        self.changes = Changes()
        self.heard: list[bytes] = []
        self.restored: list[bytes] = []
        self.pubsub = PubSub(
            "Redis",
            self.locate,
            RedisOptions(reconnect_max=0.1),
            down=RedisDown,
            changed=lambda _: self.changes.tell(),
            restored=self.again,
            moved=self.changes.tell,
        )

    async def locate(self) -> Settings:
        return {"host": "127.0.0.1", "port": self.port}

    def again(self, channels: list[bytes]) -> None:
        self.restored += channels
        self.changes.tell()

    def hear(self, message: bytes) -> None:
        self.heard.append(message)
        self.changes.tell()

    async def until_heard(self, message: bytes) -> None:
        while message not in self.heard:
            await self.changes.next()


@contextlib.asynccontextmanager
async def ear(server: RedisServer) -> AsyncIterator[Ear]:
    one = Ear(server)
    try:
        while not one.pubsub.up:
            await one.changes.next()
        yield one
    finally:
        await one.pubsub.close()


async def test_messages_come_in_order_between_confirmations(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with ear(server) as one:
            await one.pubsub.subscribe(b"a", one.hear)
            for number in range(50):
                server.ask("SPUBLISH", "a", str(number))
                await one.pubsub.subscribe(b"b%d" % number, one.hear)
            await one.until_heard(b"49")
            assert one.heard == [b"%d" % number for number in range(50)]
            assert one.pubsub.waiting == 0


async def test_what_was_unsubscribed_is_heard_no_longer(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with ear(server) as one:
            await one.pubsub.subscribe(b"a", one.hear)
            one.pubsub.unsubscribe(b"a")
            one.pubsub.unsubscribe(b"a")
            one.pubsub.unsubscribe(b"never")
            await one.pubsub.subscribe(b"b", one.hear)
            server.ask("SPUBLISH", "a", "gone")
            server.ask("SPUBLISH", "b", "here")
            await one.until_heard(b"here")
            assert one.heard == [b"here"]
            # In and out, in one turn: the last word holds.
            again = asyncio.ensure_future(one.pubsub.subscribe(b"a", one.hear))
            await asyncio.sleep(0)
            one.pubsub.unsubscribe(b"b")
            await again
            await one.pubsub.call(("PING",))
            assert server.ask("PUBSUB", "SHARDCHANNELS") == b"*1\r\n$1\r\na\r\n"


async def test_a_listener_that_fails_does_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(message: bytes) -> None:
        raise ValueError("a fault in the hub")

    with redis_server(tmp_path) as server:
        async with ear(server) as one:
            await one.pubsub.subscribe(b"bad", fail)
            await one.pubsub.subscribe(b"good", one.hear)
            server.ask("SPUBLISH", "bad", "1")
            server.ask("SPUBLISH", "good", "2")
            await one.until_heard(b"2")
            assert "could not be delivered" in caplog.text


async def test_thousands_of_channels_are_subscribed_again(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with ear(server) as one:
            channels = [b"channel %d" % number for number in range(1200)]
            await asyncio.gather(*(one.pubsub.subscribe(channel, one.hear) for channel in channels))
            server.kill()
            server.start()
            while len(one.restored) < 1200:
                await one.changes.next()
            assert one.restored == channels
            server.ask("SPUBLISH", "channel 1199", "back")
            await one.until_heard(b"back")


async def test_a_subscription_that_is_not_confirmed_is_forgotten(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with ear(server) as one:
            await one.pubsub.subscribe(b"a", one.hear)
            server.pause()
            late = asyncio.ensure_future(one.pubsub.subscribe(b"b", one.hear))
            await asyncio.sleep(0)
            server.kill()
            with pytest.raises(RedisDown):
                await late
            server.start()
            while not one.restored:
                await one.changes.next()
            assert one.restored == [b"a"]
            assert list(one.pubsub.listeners) == [b"a"]


async def test_channels_go_from_one_link_to_another(tmp_path: Path) -> None:
    with redis_server(tmp_path / "1") as first, redis_server(tmp_path / "2") as second:
        async with ear(first) as one, ear(second) as two:
            await one.pubsub.subscribe(b"a", one.hear)
            two.pubsub.adopt(one.pubsub.abandon([b"a"]))
            while two.restored != [b"a"]:
                await two.changes.next()
            second.ask("SPUBLISH", "a", "at the new place")
            await one.until_heard(b"at the new place")
            assert not one.pubsub.listeners
