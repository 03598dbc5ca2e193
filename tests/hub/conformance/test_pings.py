"""Pings of the server, their answers, and the ping that a client may ask."""

from __future__ import annotations

import asyncio

from openline.hub import Session

from .wire import connected, named_hub, opened, serving

PONG = {"json": "{}", "protobuf": b"\0"}


async def test_pings_come_and_are_empty(encoding: str) -> None:
    hub = named_hub(ping_interval=0.25, pong_timeout=0.2)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        frame = await wire.ws.recv()
        assert frame == PONG[encoding]
        await wire.send_raw(frame)
        assert await wire.ws.recv() == PONG[encoding]


async def test_who_answers_stays_and_who_does_not_is_closed_3012(encoding: str) -> None:
    hub = named_hub(ping_interval=0.5, pong_timeout=0.4)
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as good,
        connected(address, encoding, "43") as bad,
    ):

        async def answer() -> None:
            while True:
                await good.ws.recv()
                await good.send_raw(PONG[encoding])

        answering = asyncio.create_task(answer())
        assert await bad.closed() == 3012
        assert set(hub.sessions) == {good.client}
        assert not answering.done()
        answering.cancel()
        await asyncio.wait([answering])


async def test_a_pong_that_nobody_asked_for_3501(encoding: str) -> None:
    async with serving(named_hub()) as address, connected(address, encoding, "42") as wire:
        await wire.send_raw(PONG[encoding])
        assert await wire.closed() == 3501


async def test_two_pongs_for_a_ping_3501(encoding: str) -> None:
    hub = named_hub(ping_interval=0.25, pong_timeout=0.2)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.ws.recv()
        await wire.send_raw(PONG[encoding])
        await wire.send_raw(PONG[encoding])
        assert await wire.closed() == 3501


async def test_a_pong_before_connect_3501(encoding: str) -> None:
    async with serving(named_hub()) as address, opened(address, encoding) as wire:
        await wire.send_raw(PONG[encoding])
        assert await wire.closed() == 3501


async def test_pongs_are_taken_while_a_command_runs(encoding: str) -> None:
    hub = named_hub(ping_interval=0.25, pong_timeout=0.2)
    go_on = asyncio.Event()

    @hub.rpc("wait")
    async def wait(session: Session) -> str:
        await go_on.wait()
        return "done"

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.send({"id": 9, "rpc": {"method": "wait"}})
        for _ in range(4):
            assert await wire.any() == {}
            await wire.send_raw(PONG[encoding])
        go_on.set()
        assert await wire.reply(9) == {"rpc": {"data": "done"}}


async def test_pings_come_under_traffic(encoding: str) -> None:
    """centrifuge-python counts only pings as life."""
    hub = named_hub(ping_interval=0.25, pong_timeout=0.2)
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        pings = number = 0
        while pings < 3:
            number += 1
            await hub.publish("a", number)
            while (reply := await wire.any()) == {}:
                pings += 1
                await wire.send_raw(PONG[encoding])
            assert reply["push"]["pub"]["data"] == number


async def test_ping_of_the_client(encoding: str) -> None:
    async with serving(named_hub()) as address, connected(address, encoding, "42") as wire:
        await wire.send({"id": 7, "ping": {}})
        reply = await wire.any()
        assert reply["id"] == 7
        assert "error" not in reply
