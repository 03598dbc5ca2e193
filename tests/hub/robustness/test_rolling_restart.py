"""Two nodes over one Redis, restarted one after the other while people talk: nothing is lost or comes twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import openline
from openline.hub import Hub
from tests.hub.conformance.wire import Closed, Wire, named_hub
from tests.hub.redis_server import DURABLE, needs_redis, redis_server

pytestmark = needs_redis

CHANNEL = "room:a"
CLIENTS = 12
PUBLICATIONS = 400


class Node:
    """A node that can be replaced by a new one at the same address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = 0
        self.hub = self._make()
        self.server: Any = None

    def _make(self) -> Hub:
        hub = named_hub(f"{self.url}?durable=1")
        hub.namespace("room", history=1000, ttl=60.0, recovery=True)
        return hub

    async def start(self) -> None:
        self.server = await openline.serve(self.hub, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def restart(self) -> None:
        await self.hub.drain(0.2)
        await self.stop()
        self.hub = self._make()
        await self.start()

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()
        await self.hub.close()


class Client:
    """Subscribes, and comes back to the other node with its position, as the SDKs do."""

    def __init__(self, nodes: list[Node], number: int) -> None:
        self.nodes = nodes
        self.number = number
        self.got: list[int] = []
        self.returns = 0
        self.failed: list[str] = []
        self.ready = asyncio.Event()

    async def live(self) -> None:
        offset, epoch, came_before = 0, "", False
        turn = self.number
        while True:
            node = self.nodes[turn % len(self.nodes)]
            turn += 1
            try:
                async with openline.connect(f"ws://127.0.0.1:{node.port}/connection/websocket") as ws:
                    wire = Wire(ws, "json")
                    await wire.connect(data={"user": str(self.number)})
                    result = await wire.subscribe(CHANNEL, recover=came_before, offset=offset, epoch=epoch)
                    if came_before:
                        self.returns += 1
                        if not result.get("recovered"):
                            self.failed.append(f"not recovered at {offset}")
                    else:
                        offset, came_before = result.get("offset", 0), True
                    epoch = result["epoch"]
                    for publication in result.get("publications", []):
                        self.got.append(publication["data"])
                        offset = publication["offset"]
                    self.ready.set()
                    while True:
                        publication = await wire.push("pub", CHANNEL)
                        self.got.append(publication["data"])
                        offset = publication["offset"]
            except (Closed, OSError, openline.exceptions.InvalidHandshake):
                await asyncio.sleep(0.01)


@pytest.mark.timeout(60)
async def test_a_rolling_restart_loses_nothing(tmp_path: Path) -> None:
    with redis_server(tmp_path, *DURABLE) as server:
        nodes = [Node(server.url), Node(server.url)]
        for node in nodes:
            await node.start()
        clients = [Client(nodes, number) for number in range(CLIENTS)]
        async with asyncio.TaskGroup() as group:
            living = [group.create_task(client.live()) for client in clients]
            for client in clients:
                await client.ready.wait()

            async def talk() -> None:
                publisher = Hub(f"{server.url}?durable=1")
                publisher.namespace("room", history=1000, ttl=60.0, recovery=True)
                for number in range(PUBLICATIONS):
                    await publisher.publish(CHANNEL, number)
                    await asyncio.sleep(0.005)
                await publisher.close()

            talking = group.create_task(talk())
            for node in nodes:
                await node.restart()
            await talking
            while any(len(client.got) < PUBLICATIONS for client in clients):  # noqa: ASYNC110  # or the time is up
                await asyncio.sleep(0.01)
            for task in living:
                task.cancel()
        for node in nodes:
            await node.stop()
    for client in clients:
        assert client.failed == []
        assert client.got == list(range(PUBLICATIONS))
    assert sum(client.returns for client in clients) >= CLIENTS, "each was sent away at least once"
