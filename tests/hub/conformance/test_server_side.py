"""What the server does by itself: subscribes, unsubscribes, disconnects, refreshes, and closes."""

from __future__ import annotations

import asyncio
import time

import pytest

from openline.hub import Disconnect, DisconnectCode, Session
from openline.hub.codes import reconnects

from .wire import Closed, connected, named_hub, opened, serving


async def test_subscribe_and_unsubscribe(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("news", history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.publish("news:a", 1)
        await hub.subscribe("42", "news:a", data={"welcome": "да"})
        told = await wire.push("subscribe", "news:a")
        assert told["recoverable"] is True
        assert told["positioned"] is True
        assert told["offset"] == 1
        assert told["epoch"]
        assert told["data"] == {"welcome": "да"}
        await hub.publish("news:a", 2)
        pub = await wire.push("pub", "news:a")
        assert (pub["data"], pub["offset"]) == (2, 2)
        await hub.unsubscribe("42", "news:a")
        assert await wire.push("unsubscribe", "news:a") == {"code": 2000, "reason": "server unsubscribe"}
        await hub.publish("news:a", 3)
        await wire.nothing()


async def test_all_sessions_of_a_user_or_one(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as one,
        connected(address, encoding, "42") as two,
        connected(address, encoding, "43") as other,
    ):
        await hub.subscribe("42", "a")
        await one.push("subscribe", "a")
        await two.push("subscribe", "a")
        await other.nothing()
        await hub.unsubscribe("42", "a", client=two.client)
        await two.push("unsubscribe", "a")
        await one.nothing()
        await hub.publish("a", 1)
        await one.push("pub", "a")
        await two.nothing()
        await hub.disconnect("42", client=one.client)
        assert await one.closed() == 3503
        await two.nothing()


async def test_unsubscribe_of_a_clients_own_subscription(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await hub.unsubscribe("42", "a")
        assert (await wire.push("unsubscribe", "a"))["code"] == 2000
        await wire.subscribe("a")


async def test_refresh(encoding: str) -> None:
    hub = named_hub(expiry_grace=5.0)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.refresh("42", expire_at=time.time() + 100)
        told = await wire.push("refresh")
        assert told["expires"] is True
        assert 95 <= told["ttl"] <= 100
        await hub.refresh("42", expire_at=0)
        assert await wire.push("refresh") == {}


async def test_refresh_expired_3005(encoding: str) -> None:
    hub = named_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.refresh("42", expired=True)
        assert await wire.closed() == 3005


@pytest.mark.parametrize("code", [*DisconnectCode, 4000, 4499, 4500, 4999], ids=int)
async def test_disconnect_codes_are_close_codes(encoding: str, code: int) -> None:
    hub = named_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.disconnect("42", code=int(code))
        with pytest.raises(Closed) as closed:
            await wire.next()
        assert closed.value.code == code
        assert closed.value.reason == Disconnect(int(code)).reason
        # 3000 to 3499 and 4000 to 4499: the client comes back.
        assert reconnects(int(code)) is (int(code) % 1000 < 500)


async def test_reason_of_the_application(encoding: str) -> None:
    hub = named_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.disconnect("42", code=4501, reason="прочь")
        with pytest.raises(Closed) as closed:
            await wire.next()
        assert (closed.value.code, closed.value.reason) == (4501, "прочь")


async def test_whitelist(encoding: str) -> None:
    hub = named_hub()
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as one,
        connected(address, encoding, "42") as two,
    ):
        await hub.disconnect("42", whitelist=[two.client])
        assert await one.closed() == 3503
        await two.nothing()


async def test_what_was_queued_leaves_before_the_close(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        for number in range(100):
            await hub.publish("a", number)
        await hub.disconnect("42")
        assert await wire.closed() == 3503
        assert [r["push"]["pub"].get("data", 0) for r in wire.log if "push" in r] == list(range(100))


async def test_closing_the_server_3001(encoding: str) -> None:
    hub = named_hub()
    async with serving(hub) as address, opened(address, encoding) as wire:
        await wire.connect()
        closing = asyncio.create_task(hub.close())
        assert await wire.closed() == 3001
        await closing


async def test_drain_lets_running_commands_finish(encoding: str) -> None:
    hub = named_hub()
    entered, go_on = asyncio.Event(), asyncio.Event()

    @hub.rpc("wait")
    async def wait(session: Session) -> str:
        entered.set()
        await go_on.wait()
        return "done"

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.send({"id": 9, "rpc": {"method": "wait"}})
        await entered.wait()
        draining = asyncio.create_task(hub.drain(0.0))
        await asyncio.sleep(0.05)
        go_on.set()
        assert await wire.reply(9) == {"rpc": {"data": "done"}}
        assert await wire.closed() == 3001
        await draining
        hub.draining = False
