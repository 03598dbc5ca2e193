"""Kills under load, with a Redis that never forgets: delivered once what was acknowledged, at most once the rest."""

from __future__ import annotations

import asyncio
import collections
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openline.hub.brokers.base import BrokerDown
from openline.hub.publication import Payload, Publication
from openline.testing.waiting import until
from tests.hub.brokers.redis.nodes import KEPT, node
from tests.hub.redis_server import (
    DURABLE,
    needs_redis,
    redis_server,
)

pytestmark = needs_redis


@pytest.mark.timeout(60)
async def test_acknowledged_is_delivered_once_and_the_rest_at_most_once(tmp_path: Path) -> None:
    """``appendfsync always``; Redis is killed twice under load; what the outages hid is read from the history."""
    with redis_server(tmp_path, *DURABLE) as server:
        async with (
            node(server.url, "one", durable=True) as (one, _),
            node(server.url, "two", durable=True) as (two, heard),
        ):
            await two.subscribe("a")
            acknowledged: dict[int, str] = {}
            sent: set[str] = set()
            done = False
            grown = asyncio.Event()

            async def some_more() -> None:
                enough = len(acknowledged) + 200
                while len(acknowledged) < enough:
                    grown.clear()
                    await grown.wait()

            async def publisher(name: int) -> None:
                number = 0
                while not done:
                    text = f'"{name}-{number}"'
                    number += 1
                    sent.add(text)
                    try:
                        result = await one.publish(
                            "a", Publication(data=Payload(text.encode())), history=KEPT
                        )
                    except BrokerDown:
                        await asyncio.sleep(0.01)
                    else:
                        assert result.position.offset not in acknowledged
                        acknowledged[result.position.offset] = text
                        grown.set()

            load = [asyncio.create_task(publisher(name)) for name in range(20)]
            for _ in range(2):
                await some_more()
                server.kill()
                server.start()
            await some_more()
            done = True
            await asyncio.gather(*load)
            kept, top = await two.history("a", history=KEPT)
            await heard.until(lambda: heard.of("a")[-1][1].offset >= top.offset, "the last")

            stored = {one.offset: bytes(one.data).decode() for one in kept}
            assert sorted(stored) == list(range(1, top.offset + 1))
            assert acknowledged.items() <= stored.items()
            assert max(collections.Counter(stored.values()).values()) == 1
            assert set(stored.values()) <= sent
            told = [position.offset for _, position in heard.of("a")]
            assert told == sorted(set(told)), "in order, none twice"
            assert all(
                stored[position.offset] == bytes(publication.data).decode()
                for publication, position in heard.of("a")
            )
            assert {position.epoch for _, position in heard.of("a")} == {top.epoch}
            # What pub/sub could not bring is what on_restored sends the hub to look for.
            assert len(heard.restored) >= 1


PUBLISHER = """
import asyncio, sys
from openline.hub.brokers.redis import RedisBroker
from openline.hub.publication import HistoryOptions, Payload, Publication
from openline.testing.broker_stage import Heard

async def main():
    broker = RedisBroker(sys.argv[1], durable=True, presence_ttl=1.0)
    await broker.start(Heard(), "child")
    await broker.occupy("a")
    await broker.subscribe("a")
    async def publisher(name):
        number = 0
        while True:
            text = f"{name}-{number}"
            number += 1
            data = Payload(f'"{text}"'.encode())
            result = await broker.publish("a", Publication(data=data), history=HistoryOptions(100_000, 600.0))
            print(result.position.offset, text, flush=True)
    await asyncio.gather(*(publisher(name) for name in range(10)))

asyncio.run(main())
"""


def publishing_process(url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PUBLISHER, url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)


@pytest.mark.timeout(60)
async def test_a_node_that_is_killed_under_load_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with redis_server(tmp_path, *DURABLE) as server:
        async with node(server.url, "one", durable=True, presence_ttl=1.0) as (broker, heard):
            await broker.subscribe("a")
            child = publishing_process(server.url)
            try:
                await heard.until(lambda: len(heard.publications) >= 300, "the other node is at work")
                child.send_signal(signal.SIGKILL)
                assert child.stdout is not None
                printed = child.stdout.read().decode().split("\n")[:-1]
            finally:
                child.kill()
                child.wait()
                assert child.stdout is not None
                child.stdout.close()
            acknowledged = {int(offset): text for offset, text in (line.split() for line in printed)}
            kept, top = await broker.history("a", history=KEPT)
            await heard.until(lambda: heard.of("a")[-1][1].offset == top.offset, "all that was stored")
            stored = {one.offset: bytes(one.data).decode().strip('"') for one in kept}
            assert acknowledged.items() <= stored.items()
            assert len(set(stored.values())) == len(stored)
            assert [position.offset for _, position in heard.of("a")] == list(range(1, top.offset + 1))
            # The dead node's lease fades.
            assert await broker.vacate("a") is False
            await until(lambda: broker.vacate("a"), "the lease of a dead node fades")
