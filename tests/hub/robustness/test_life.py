"""Start, drain and close, in the middle of everything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import openline.hub.hub
from openline.hub import BrokerDown, Hub, Session
from openline.hub.brokers.memory import MemoryBroker
from openline.sync.loop_thread import loop_thread

from ..conformance.wire import connected, named_hub, serving
from .brokers import GatedBroker
from .remains import until


class SlowStart(MemoryBroker):
    """A broker that takes its time to start and to close, and fails the first times."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.failures = failures
        self.gate = asyncio.Event()
        self.begun = 0

    async def start(self, events: Any, node: str) -> None:
        self.begun += 1
        await super().start(events, node)
        try:
            await self.gate.wait()
            if self.failures:
                self.failures -= 1
                raise BrokerDown("not yet")
        except BaseException:
            await super().close()
            raise


async def test_a_hub_that_could_not_start_may_be_started_again() -> None:
    broker = SlowStart(failures=1)
    broker.gate.set()
    hub = Hub(broker)
    with pytest.raises(BrokerDown):
        await hub.start()
    await hub.start()
    await hub.close()
    await hub.start()
    await hub.close()


async def test_a_hub_that_is_closed_while_it_starts_may_be_started_again() -> None:
    broker = SlowStart()
    hub = Hub(broker)
    starting = asyncio.create_task(hub.start())
    await until(lambda: broker.begun)
    await hub.close()
    with pytest.raises((asyncio.CancelledError, BrokerDown)):
        await starting
    broker.gate.set()
    await hub.start()
    assert hub.started_at
    await hub.close()


@pytest.fixture
def background() -> None:
    """The thread of `openline.sync` lives as long as the process: it is none of what a test leaves behind."""
    loop_thread()


@pytest.mark.usefixtures("background")
def test_a_closed_hub_starts_in_another_loop() -> None:
    hub = named_hub()
    hub.namespace("")

    async def once() -> None:
        async with serving(hub) as address, connected(address, "json", "42") as wire:
            await wire.subscribe("a")
            await hub.publish("a", 1)
            await wire.push("pub", "a")

    for _ in range(2):
        with asyncio.Runner() as runner:
            runner.run(once())
    hub.sync.publish("a", 1)
    hub.sync.close()


async def test_what_publishes_while_the_hub_closes_does_not_start_it_again() -> None:
    class SlowEnd(MemoryBroker):
        closing = asyncio.Event()
        gate = asyncio.Event()

        async def close(self) -> None:
            self.closing.set()
            await self.gate.wait()
            await super().close()

    broker = SlowEnd()
    hub = Hub(broker)
    hub.namespace("")
    await hub.start()
    closing = asyncio.create_task(hub.close())
    await broker.closing.wait()
    publishing = asyncio.create_task(hub.publish("a", 1))
    await asyncio.sleep(0)
    broker.gate.set()
    await closing
    with pytest.raises((BrokerDown, RuntimeError)):
        await publishing
    assert not hub.started_at


async def test_hooks_that_never_end_do_not_keep_the_hub_from_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openline.hub.hub, "SETTLE_TIMEOUT", 0.05)
    hub = named_hub()
    hub.namespace("")

    @hub.on_disconnect
    @hub.on_unsubscribe
    async def stuck(session: Session) -> None:
        await asyncio.get_running_loop().create_future()

    @hub.rpc("stuck")
    async def stuck_rpc(session: Session) -> None:
        await asyncio.get_running_loop().create_future()

    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        await wire.send({"id": 9, "rpc": {"method": "stuck"}})
        await until(lambda: any(session._running for session in hub.sessions.values()))
        await hub.drain(0.0)
        await hub.close()
        assert await wire.closed() == 3001


async def test_closing_in_the_middle_of_everything() -> None:
    """Whatever the broker is asked just then."""
    for method in ("subscribe", "history", "add_presence", "publish", "remove_presence", "publish_join"):
        broker = GatedBroker()
        hub = named_hub(broker)
        hub.namespace("", history=10, ttl=60.0, recovery=True, presence=True, join_leave=True)
        async with serving(hub) as address, connected(address, "json", "42") as wire:
            gate = broker.stop(method)
            await wire.send(
                {"id": 7, "subscribe": {"channel": "a"}},
                {"id": 8, "publish": {"channel": "a", "data": 1}},
                {"id": 9, "unsubscribe": {"channel": "a"}},
            )
            await gate.reached.wait()
            closing = asyncio.create_task(hub.close())
            await asyncio.sleep(0.001)
            broker.go_on()
            await closing
            assert await wire.closed() == 3001
            assert not hub._tasks
            assert not hub.sessions
            assert len(hub.table) == 0


async def test_draining_lets_a_running_command_finish() -> None:
    hub = named_hub()
    begun, gate = asyncio.Event(), asyncio.Event()

    @hub.rpc("slow")
    async def slow(session: Session) -> str:
        begun.set()
        await gate.wait()
        return "done"

    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.send({"id": 9, "rpc": {"method": "slow"}})
        await begun.wait()
        draining = asyncio.create_task(hub.drain(0.0))
        await asyncio.sleep(0.01)
        assert not draining.done()
        gate.set()
        await draining
        await hub.close()
        assert await wire.reply(9) == {"rpc": {"data": "done"}}
        assert await wire.closed() == 3001
