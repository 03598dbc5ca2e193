"""Presence and leases in Redis."""

from __future__ import annotations

from pathlib import Path

import pytest

from openline.hub.brokers.base import BrokerDown
from openline.hub.publication import ClientInfo, Payload
from openline.testing.waiting import until
from tests.hub.brokers.redis.nodes import node
from tests.hub.redis_server import needs_redis, redis_server

pytestmark = needs_redis


async def test_very_many_are_renewed_and_fade(tmp_path: Path) -> None:
    """More than a script takes out at once, and more than leaves at once."""
    with redis_server(tmp_path) as server:
        async with node(server.url, presence_ttl=2.0) as (broker, _):
            entries = [
                (
                    f"channel {number % 300}",
                    f"client {number}",
                    ClientInfo(f"user {number % 7}", f"client {number}"),
                )
                for number in range(1500)
            ]
            entries += [
                ("big", f"client {number}", ClientInfo("ü", f"client {number}")) for number in range(2500)
            ]
            await broker.renew_presence(entries)
            assert await broker.presence_stats("big") == (2500, 1)
            assert len(await broker.presence("big")) == 2500
            assert await broker.presence_stats("channel 7") == (5, 5)
            await broker.renew_occupation([f"channel {number}" for number in range(300)])

            async def faded() -> bool:
                return await broker.presence_stats("big") == (0, 0) and server.ask("DBSIZE") == b":0\r\n"

            await until(faded, "nothing stays")


async def test_fading_counts_users_down(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url, presence_ttl=60.0) as (broker, _):
            for client, user in (("1", "a"), ("2", "a"), ("3", "b")):
                await broker.add_presence("x", client, ClientInfo(user, client))
            assert await broker.presence_stats("x") == (3, 2)
            # As if the node of these had died a minute ago.
            server.ask("ZADD", "{openline:x}:times", "1", "1", "1", "3")
            assert await broker.presence_stats("x") == (1, 1)
            assert list(await broker.presence("x")) == ["2"]
            await broker.remove_presence("x", "1")
            assert await broker.presence_stats("x") == (1, 1)
            await broker.remove_presence("x", "2")
            assert server.ask("DBSIZE") == b":0\r\n"


async def test_a_client_may_change_what_it_says_of_itself(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, _):
            await broker.add_presence("x", "1", ClientInfo("a", "1"))
            await broker.add_presence("x", "1", ClientInfo("b:7", "1", Payload(b"{}")))
            assert await broker.presence_stats("x") == (1, 1)
            members = await broker.presence("x")
            assert members["1"].user == "b:7"
            assert server.ask("HGETALL", "{openline:x}:users").endswith(b"b:7\r\n$1\r\n1\r\n")


async def test_presence_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, _):
            server.ask("HSET", "{openline:x}:clients", "1", "nonsense")
            with pytest.raises(BrokerDown, match="cannot be read"):
                await broker.presence("x")


async def test_renewing_while_redis_is_away_is_told(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with node(server.url) as (broker, _):
            server.kill()
            entries = [(f"c{number}", "1", ClientInfo("a", "1")) for number in range(150)]
            with pytest.raises(BrokerDown):
                await broker.renew_presence(entries)
            with pytest.raises(BrokerDown):
                await broker.renew_occupation(["a"])
