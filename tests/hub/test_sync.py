"""The hub for threads."""

from __future__ import annotations

import asyncio

import pytest

from openline.hub import Hub, Refused
from openline.sync.loop_thread import loop_thread

from .conformance.wire import connected, named_hub, serving


async def test_from_another_thread() -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0, presence=True)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")

        def work() -> tuple[object, ...]:
            position = hub.sync.publish("a", {"n": 1}).position
            return (
                position.offset,
                hub.sync.presence_stats("a"),
                hub.sync.channels(),
                hub.sync.disconnect("42"),
            )

        assert await asyncio.to_thread(work) == (1, (1, 1), {"a": 1}, 1)
        assert (await wire.push("pub", "a"))["data"] == {"n": 1}
        assert await wire.closed() == 3503


async def test_errors_come_through_and_the_loop_does_not_wait_for_itself() -> None:
    async with Hub() as hub:
        with pytest.raises(Refused, match="102"):
            await asyncio.to_thread(hub.sync.publish, "x:a", 1)
        with pytest.raises(RuntimeError, match="await the hub's own method"):
            hub.sync.publish("a", 1)
        with pytest.raises(AttributeError, match=r"hub\.sync has no 'drain'"):
            hub.sync.drain()


@pytest.fixture
def background() -> None:
    """The thread of `openline.sync`, which stays as long as the process."""
    loop_thread()


@pytest.mark.usefixtures("background")
def test_a_process_that_only_publishes() -> None:
    hub = Hub()
    hub.namespace("", history=10, ttl=60.0)
    assert hub.sync.publish("a", 1).position.offset == 1
    assert hub.sync.history("a", limit=-1)[0][0].offset == 1
    hub.sync.close()


@pytest.mark.usefixtures("background")
def test_what_stands_on_the_hub_runs_in_its_loop() -> None:
    hub = Hub()

    async def where() -> bool:
        await hub.start()
        return asyncio.get_running_loop() is hub.own_loop

    assert hub.sync.run(where())
    hub.sync.close()
