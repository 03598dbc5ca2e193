"""Nodes that ask each other, over a broker that they share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from openline.hub import Hub
from openline.hub.brokers.memory import MemoryBroker


class Wire:
    """A control channel between brokers of one process."""

    def __init__(self) -> None:
        self.nodes: dict[str, Callable[[bytes], None]] = {}


class SharedBroker(MemoryBroker):
    """A broker in memory with the control channel of a shared one."""

    shared = True  # type: ignore[assignment]

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    async def start(self, events: Any, node: str) -> None:
        await super().start(events, node)
        self._wire.nodes[node] = events.on_control

    async def publish_control(self, data: bytes, node: str = "") -> None:
        loop = asyncio.get_running_loop()
        names: Iterable[str] = [node] if node else list(self._wire.nodes)
        for name in names:
            if name in self._wire.nodes:
                loop.call_soon(self._wire.nodes[name], data)


@asynccontextmanager
async def nodes(number: int) -> AsyncIterator[list[Hub]]:
    wire = Wire()
    hubs = [Hub(SharedBroker(wire), name=f"node {at}") for at in range(number)]
    for hub in hubs:
        await hub.start()
    while any(len(hub.nodes.known()) < number for hub in hubs):  # noqa: ASYNC110  # no event tells of it
        await asyncio.sleep(0)
    yield hubs
    for hub in hubs:
        await hub.close()


async def test_nodes_find_each_other_and_say_goodbye() -> None:
    async with nodes(3) as hubs:
        assert {tuple(sorted(hub.nodes.known())) for hub in hubs} == {tuple(sorted(hub.node for hub in hubs))}
        await hubs[2].close()
        for _ in range(10):
            await asyncio.sleep(0)
        assert [len(hub.nodes.known()) for hub in hubs[:2]] == [2, 2]


async def test_all_answer() -> None:
    async with nodes(3) as hubs:
        assert {facts["name"] for facts in await hubs[0].info()} == {"node 0", "node 1", "node 2"}
        assert await hubs[1].channels() == {}
        assert await hubs[1].disconnect("42") == 0


async def test_one_can_be_asked() -> None:
    async with nodes(2) as hubs:
        for hub in hubs:
            hub.nodes.offer("name", lambda params, hub=hub: f"{hub.name} says {params['word']}")
        answers = await hubs[0].nodes.ask("name", node=hubs[1].node, word="hi")
        assert answers == {hubs[1].node: "node 1 says hi"}


async def test_a_node_that_fails_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    async with nodes(2) as hubs:

        def fail(params: dict[str, Any]) -> None:
            raise LookupError("here is nothing")

        hubs[0].nodes.offer("look", lambda params: 1)
        hubs[1].nodes.offer("look", fail)
        assert await hubs[0].nodes.ask("look") == {hubs[0].node: 1}
        assert "here is nothing" in caplog.text


async def test_a_node_that_does_not_answer_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("openline.hub.nodes.ANSWER_TIMEOUT", 0.02)
    async with nodes(2) as hubs:

        async def never(params: dict[str, Any]) -> None:
            await asyncio.sleep(0.2)

        hubs[0].nodes.offer("wait", lambda params: "here")
        hubs[1].nodes.offer("wait", never)
        assert await hubs[0].nodes.ask("wait") == {hubs[0].node: "here"}
        assert hubs[1].node in caplog.text


async def test_what_is_no_message_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    async with nodes(1) as hubs:
        for data in (b"", b"\xc1", b"\x80", b"{}"):
            hubs[0].table.on_control(data)
        assert caplog.text.count("cannot be read") == 4
