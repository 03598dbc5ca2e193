"""A session by one long response: what both ways share."""

from __future__ import annotations

import asyncio
from typing import Any

from openline.hub import DisconnectCode
from tests.hub.transports.speaking import CONNECT, emulate, frame, open_hub, served, streaming


async def test_commands_wait_while_the_session_has_too_many_and_stay_in_order() -> None:
    hub = open_hub(max_waiting_commands=900)
    go = asyncio.Event()
    begun: list[int] = []

    @hub.rpc("slow")
    async def slow(session: Any, data: int) -> int:
        begun.append(data)
        await go.wait()
        return data

    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        session = next(iter(hub.sessions.values()))
        padding = "x" * 60
        for number in range(10):
            command = {"id": number + 2, "rpc": {"method": "slow", "data": number, "padding": padding}}
            assert await emulate(port, result, command) == 204
            if session.reading_paused and number >= 5:
                break
        assert session.reading_paused
        assert begun == [0]
        go.set()
        assert [(await stream.line())["rpc"]["data"] for _ in range(number + 1)] == list(range(number + 1))
        assert not session.reading_paused


async def test_commands_that_wait_have_a_bound() -> None:
    hub = open_hub(max_waiting_commands=900)

    @hub.rpc("never")
    async def never(session: Any) -> None:
        await asyncio.Event().wait()

    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        session = next(iter(hub.sessions.values()))
        for number in range(30):
            await emulate(port, result, {"id": number + 2, "rpc": {"method": "never", "padding": "x" * 60}})
            if session.closed:
                break
        # 900 bytes in the session, where each command weighs 200 more than its frame, and 900 in the transport.
        assert 8 <= number <= 15
        assert (await stream.line())["push"]["disconnect"]["code"] == DisconnectCode.TOO_MANY_REQUESTS
        assert await stream.rest() == b""


async def test_a_client_that_was_slow_gets_what_was_held_back() -> None:
    hub = open_hub(max_queue_size=2**22)
    hub.namespace("state", slow_consumer="conflate")
    subscribe = {"id": 2, "subscribe": {"channel": "state:a"}}
    async with served(hub) as port, streaming(port, CONNECT, subscribe) as stream:
        await stream.line()
        await stream.line()
        session = next(iter(hub.sessions.values()))
        number = 0
        # Until the sockets are full, and the newest waits.
        while not hub.counters.conflated:
            number += 1
            await hub.publish("state:a", [number, "x" * 100_000], key="k")
            await asyncio.sleep(0)
        last = 0
        while last != number:
            last = (await stream.line())["push"]["pub"]["data"][0]
        assert session.transport.unsent < 200_000


async def test_a_frame_of_the_other_kind_ends_the_session() -> None:
    hub = open_hub()
    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        assert await hub.emulate(result["session"], result["node"], frame({"id": 2, "ping": {}}))
        assert (await stream.line())["push"]["disconnect"]["code"] == DisconnectCode.BAD_REQUEST


async def test_when_the_server_closes_sessions_hear_3001_and_streams_end() -> None:
    hub = open_hub()
    async with served(hub) as port, streaming(port) as stream:
        await stream.line()
        hub.dismiss_all()
        push = (await stream.line())["push"]["disconnect"]
        assert push == {"code": DisconnectCode.SHUTDOWN, "reason": "shutdown", "reconnect": True}
        assert await stream.rest() == b""


async def test_pings_are_lines_and_pongs_come_by_emulation() -> None:
    hub = open_hub(ping_interval=0.5, pong_timeout=0.2)
    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        for _ in range(2):
            assert await stream.line() == {}
            assert await emulate(port, result, {}) == 204
        assert await stream.line() == {}
        assert (await stream.line())["push"]["disconnect"]["code"] == DisconnectCode.NO_PONG
