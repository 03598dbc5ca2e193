"""A session: its commands in their order, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from openline.hub import Disconnect, Hub, Session
from openline.hub.session import _METHODS, request_of
from openline.hub.subprotocols.base import NotJSON
from openline.hub.subprotocols.messages import Command

from .conformance.wire import Closed, connected, named_hub, serving

pytestmark = pytest.mark.engine


class Gates:
    """An RPC that waits until it is let through, and says what happened."""

    def __init__(self, hub: Hub) -> None:
        self.said: list[str] = []
        self.open: dict[str, asyncio.Event] = {}
        hub.rpc("wait")(self.wait)
        hub.rpc("now")(self.now)

    async def wait(self, session: Session, name: str) -> str:
        self.said.append(f"{name} begins")
        gate = self.open.setdefault(name, asyncio.Event())
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.said.append(f"{name} cancelled")
            raise
        self.said.append(f"{name} ends")
        return name

    def now(self, session: Session, name: str) -> str:
        self.said.append(name)
        return name

    def let(self, name: str) -> None:
        self.open.setdefault(name, asyncio.Event()).set()


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110  # it has no event of its own
        await asyncio.sleep(0)


def rpc(number: int, method: str, data: str) -> dict[str, Any]:
    return {"id": number, "rpc": {"method": method, "data": data}}


def test_a_command_asks_for_the_first_of_its_requests() -> None:
    requests = {name: kind() for kind, name in _METHODS.items()}
    names = list(Command.__struct_fields__[1:])
    assert request_of(Command(id=1)) is None
    for at, name in enumerate(names):
        command = Command(1, **{name: requests[name] for name in names[at:]})
        assert request_of(command) is requests[name]


async def test_commands_run_one_at_a_time_in_their_order() -> None:
    hub = named_hub()
    gates = Gates(hub)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.send(rpc(101, "wait", "a"), rpc(102, "now", "b"), rpc(103, "now", "c"))
        await until(lambda: gates.said)
        assert gates.said == ["a begins"]
        gates.let("a")
        assert [(await wire.next())["id"] for _ in range(3)] == [101, 102, 103]
        assert gates.said == ["a begins", "a ends", "b", "c"]


async def test_more_at_a_time_and_those_of_a_channel_in_order() -> None:
    hub = named_hub(concurrency=2)
    gates = Gates(hub)
    rooms = hub.namespace("room")

    @rooms.on_publish
    async def slow(session: Session, channel: str, data: Any) -> None:
        await gates.wait(session, f"{channel} {data}")

    async with serving(hub) as address, connected(address, "json", "42") as wire:
        for room in ("room:a", "room:b"):
            await wire.subscribe(room)
        publications = [("room:a", 1), ("room:a", 2), ("room:b", 1), ("room:b", 2)]
        await wire.send(
            *(
                {"id": 100 + at, "publish": {"channel": channel, "data": data}}
                for at, (channel, data) in enumerate(publications)
            )
        )
        await until(lambda: len(gates.said) == 2)
        assert gates.said == ["room:a 1 begins", "room:b 1 begins"]
        gates.let("room:b 1")
        await until(lambda: len(gates.said) == 4)
        assert gates.said[2:] == ["room:b 1 ends", "room:b 2 begins"]
        for name in ("room:a 1", "room:a 2", "room:b 2"):
            gates.let(name)
        came = [await wire.next() for _ in range(8)]
        assert [reply["id"] for reply in came if "id" in reply and reply["id"] in (100, 101)] == [100, 101]
        for room in ("room:a", "room:b"):
            data = [one["push"]["pub"]["data"] for one in came if one.get("push", {}).get("channel") == room]
            assert data == [1, 2]


async def test_what_waits_is_bounded_and_then_nothing_is_read() -> None:
    hub = named_hub(max_waiting_commands=2000)
    gates = Gates(hub)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        session = hub.sessions[wire.client]
        await wire.send(rpc(100, "wait", "a"))
        for number in range(1, 201):
            await wire.send(rpc(100 + number, "now", f"{number}"))
        await until(lambda: session.reading_paused)
        assert session._pending_size < 2000 + 300
        gates.let("a")
        assert [(await wire.next())["id"] for _ in range(201)] == list(range(100, 301))
        assert not session.reading_paused


async def test_the_end_cancels_what_runs_and_then_tells_once() -> None:
    hub = named_hub()
    gates = Gates(hub)
    hub.namespace("room", presence=True)

    @hub.on_unsubscribe
    def left(session: Session, channel: str, code: int, reason: str) -> None:
        gates.said.append(f"left {channel} {code}")

    @hub.on_disconnect
    async def gone(session: Session, code: int, reason: str) -> None:
        await asyncio.sleep(0)
        gates.said.append(f"gone {code} {reason}")

    async with serving(hub) as address:
        async with connected(address, "json", "42") as wire:
            await wire.subscribe("room:a")
            await wire.send(rpc(100, "wait", "a"), rpc(101, "now", "never"))
            await until(lambda: gates.said)
        await until(lambda: len(gates.said) == 4)
        assert gates.said == ["a begins", "a cancelled", "left room:a 1", "gone 3000 connection closed"]
        assert await hub.presence("room:a") == {}
        assert not hub.table.all()


async def test_a_hook_may_end_its_own_session_and_finish() -> None:
    hub = named_hub()
    said: list[str] = []

    @hub.rpc("leave")
    async def leave(session: Session, data: object) -> None:
        session.disconnect(4001, "as you wish")
        said.append("rpc ends")

    @hub.on_disconnect
    def gone(session: Session, code: int, reason: str) -> None:
        said.append(f"gone {code}")

    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.send(rpc(100, "leave", ""))
        assert await wire.closed() == 4001
        await until(lambda: len(said) == 2)
        assert said == ["rpc ends", "gone 4001"]


async def test_a_session_that_was_not_let_in_is_not_told_of() -> None:
    hub = Hub()
    said: list[str] = []

    @hub.on_connect
    async def refuse(session: Session) -> None:
        raise Disconnect(4500)

    @hub.on_disconnect
    def gone(session: Session, code: int, reason: str) -> None:
        said.append("gone")

    async with serving(hub) as address:
        with pytest.raises(Closed, match="4500"):
            async with connected(address, "json"):
                pass
        assert hub.counters.disconnects == {4500: 1}
    assert said == []


async def test_a_client_that_goes_while_it_is_let_in() -> None:
    hub = Hub()
    said: list[str] = []
    began = asyncio.Event()

    @hub.on_connect
    async def slow(session: Session) -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            said.append("cancelled")
            raise
        return "42"

    @hub.on_disconnect
    def gone(session: Session, code: int, reason: str) -> None:
        said.append("gone")

    async with serving(hub) as address:
        connecting = asyncio.create_task(connected(address, "json").__aenter__())
        await began.wait()
        connecting.cancel()
        await until(lambda: said)
        assert said == ["cancelled"]
        assert not hub.sessions


async def test_a_message_for_one() -> None:
    hub = named_hub()
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        session = hub.sessions[wire.client]
        session.send({"hello": "мир"})
        assert await wire.push("message") == {"data": {"hello": "мир"}}
        with pytest.raises(NotJSON):
            session.send(b"\xff is no JSON")
        await wire.nothing()
        assert repr(session) == f"<Session {wire.client} user '42' connected>"


async def test_drained_when_its_commands_are_done() -> None:
    hub = named_hub()
    gates = Gates(hub)
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as idle,
        connected(address, "json", "2") as busy,
    ):
        await busy.send(rpc(100, "wait", "a"))
        await until(lambda: gates.said)
        draining = asyncio.create_task(hub.drain(0.0))
        assert await idle.closed() == 3001
        assert len(hub.sessions) == 1
        gates.let("a")
        assert (await busy.next())["rpc"] == {"data": "a"}
        assert await busy.closed() == 3001
        await draining
