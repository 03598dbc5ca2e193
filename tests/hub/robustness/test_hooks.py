"""Hooks that raise what they should not, return nonsense, end their own session, or go on when they are cancelled."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from openline.hub import Connect, Hub, Session

from ..conformance.wire import connected, named_hub, opened, serving
from .remains import nothing_remains, until


@pytest.mark.parametrize("waiting", [False, True])
async def test_a_hook_that_ends_its_session_and_returns_leaves_nothing(waiting: bool) -> None:
    hub = Hub()
    ends: list[int] = []

    @hub.on_connect
    async def send_away(session: Session) -> str:
        session.disconnect(4001)
        if waiting:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)
        return "42"

    hub.on_disconnect(lambda session, code: ends.append(code))
    async with serving(hub) as address:
        async with opened(address, "json") as wire:
            await wire.send({"id": 1, "connect": {}})
            assert await wire.closed() == 4001
            await until(lambda: ends)
        await nothing_remains(hub)
        assert ends == [4001]


async def test_a_hook_that_ignores_that_its_client_is_gone_leaves_nothing() -> None:
    hub = Hub()
    begun = asyncio.Event()
    said: list[str] = []

    @hub.on_connect
    async def stubborn(session: Session) -> str:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()
        said.append("let in")
        return "42"

    hub.on_disconnect(lambda session: said.append("disconnected"))
    async with serving(hub) as address:
        async with opened(address, "json") as wire:
            await wire.send({"id": 1, "connect": {}})
            await begun.wait()
        await until(lambda: len(said) == 2)
        await nothing_remains(hub)
        assert said == ["let in", "disconnected"]


async def test_a_hook_that_ends_its_session_and_waits_is_cancelled() -> None:
    hub = named_hub()
    said: list[str] = []

    @hub.rpc("leave")
    async def leave(session: Session) -> None:
        session.disconnect()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            said.append("cancelled")
            raise

    hub.on_disconnect(lambda session: said.append("disconnected"))
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.send({"id": 9, "rpc": {"method": "leave"}})
        await until(lambda: len(said) == 2)
        assert said == ["cancelled", "disconnected"]


async def cancelled_within() -> None:
    """Wait for something that somebody else cancels."""
    other = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(other.cancel)
    await other


@pytest.mark.parametrize("waiting", [False, True])
async def test_a_hook_that_waits_for_what_is_cancelled_fails_alone(waiting: bool) -> None:
    hub = named_hub()

    @hub.rpc("fail")
    async def fail(session: Session) -> None:
        if waiting:
            await cancelled_within()
        raise asyncio.CancelledError

    hub.rpc("go")(lambda session: "on")
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        assert await wire.error(rpc={"method": "fail"}) == 100
        assert await wire.result(rpc={"method": "go"}) == {"data": "on"}


async def test_nothing_runs_behind_a_connect_that_was_cancelled() -> None:
    hub = Hub()
    done: list[str] = []
    hub.on_connect(lambda session: cancelled_within())
    hub.rpc("secret")(lambda session: done.append("secret"))
    async with serving(hub) as address, opened(address, "json") as wire:
        await wire.send({"id": 1, "connect": {}}, {"id": 2, "rpc": {"method": "secret"}})
        assert (await wire.reply(1))["error"]["code"] == 100
        await wire.send({"id": 3, "rpc": {"method": "secret"}})
        assert await wire.closed() == 3501
        assert done == []


async def test_what_an_earlier_connect_said_counts_for_nothing() -> None:
    """It named a user, and was refused all the same; the next says nothing of one."""
    hub = Hub()
    users: list[str] = []

    @hub.on_connect
    def who(session: Session, data: Any) -> Any:
        users.append(session.user)
        return Connect(user="admin", subs=["no such channel"]) if data else None

    hub.rpc("who")(lambda session: session.user)
    async with serving(hub) as address, opened(address, "json") as wire:
        assert await wire.error(connect={"data": 1}) == 102
        await wire.connect()
        assert await wire.result(rpc={"method": "who"}) == {"data": ""}
        assert users == ["", ""]
        assert len(hub.users) == 0


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ValueError(), TimeoutError()])
async def test_a_hook_that_fails_at_the_end_hinders_nothing(error: BaseException) -> None:
    hub = named_hub()
    hub.namespace("")
    ends: list[str] = []

    @hub.on_unsubscribe
    async def fail(session: Session) -> None:
        raise error

    hub.on_disconnect(lambda session: ends.append(session.client))
    async with serving(hub) as address:
        async with connected(address, "json", "42") as wire:
            await wire.subscribe("a")
            await wire.subscribe("b")
            await wire.result(unsubscribe={"channel": "a"})
        await until(lambda: ends)
        await nothing_remains(hub)


@pytest.mark.parametrize(
    "answer", ["\ud800", {"a": "\ud800"}, object(), float("nan"), 2**70, b"{", b"1\n2", b"\xff"]
)
async def test_nonsense_of_a_hook_harms_nobody(answer: Any) -> None:
    """What is no JSON is error 100, or 3506 where these are bytes; what is odd JSON is sent."""
    hub = named_hub()
    hub.rpc("odd")(lambda session: answer)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        if isinstance(answer, bytes):
            await wire.send({"id": 9, "rpc": {"method": "odd"}})
            assert await wire.closed() == 3506
        else:
            reply = await wire.ask(rpc={"method": "odd"})
            assert "rpc" in reply or reply["error"]["code"] == 100
            await wire.synchronous()


@pytest.mark.parametrize(
    "options",
    [{"tags": {"a": 1}}, {"tags": {"a": "\ud800"}}, {"tags": {"\ud800": "a"}}, {"key": "\ud800"}, {"key": 1}],
    ids=repr,
)
async def test_what_cannot_be_encoded_is_not_published(options: dict[str, Any], encoding: str) -> None:
    """It would stay in the stream, and nobody could recover any more."""
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        with pytest.raises((TypeError, ValueError)):
            await hub.publish("a", 1, **options)
        await hub.publish("a", 2)
        assert (await wire.push("pub", "a"))["data"] == 2
        assert len((await wire.result(history={"channel": "a", "limit": 9}))["publications"]) == 1


async def test_no_more_sessions_come_in_at_once_than_may_come_in() -> None:
    hub = Hub(max_sessions=2)
    gate = asyncio.Event()

    @hub.on_connect
    async def slow(session: Session) -> str:
        await gate.wait()
        return "42"

    async with serving(hub) as address, contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(opened(address, "json")) for _ in range(5)]
        for wire in wires:
            await wire.send({"id": 1, "connect": {}})
        await until(lambda: sum(session._running for session in hub._open) == 5)
        gate.set()
        await until(lambda: len(hub._open) == 2)
        assert len(hub.sessions) == 2


async def test_what_the_application_cannot_mean_changes_nothing() -> None:
    """A reason that cannot be encoded would have ended the subscription, and its client would not have been told."""
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        with pytest.raises(ValueError):
            await hub.unsubscribe("42", "a", reason="\ud800")
        with pytest.raises(ValueError):
            await hub.subscribe("42", "b\ud800")
        for user in ("42", "nobody"):
            with pytest.raises(ValueError):
                await hub.disconnect(user, code=1000)
        await hub.publish("a", 1)
        await wire.push("pub", "a")
        assert [channel.name for channel in hub.table.all()] == ["a"]
