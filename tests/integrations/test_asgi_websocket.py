"""WebSockets of ASGI as a transport."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import openline
from openline.hub import DisconnectCode
from openline.integrations import asgi_websocket
from openline.integrations.asgi import HubASGI
from tests.hub.transports.speaking import CONNECT, frame, open_hub
from tests.integrations.asgi_server import WAYS, under_uvicorn

PATH = "/connection/websocket"


@pytest.fixture(params=WAYS)
def ws(request: pytest.FixtureRequest) -> str:
    return request.param


async def connected(port: int, *commands: Any, **options: Any) -> Any:
    # What is compressed a thousandfold fills no queue.
    line = await openline.connect(f"ws://127.0.0.1:{port}{PATH}", compression=None, **options)
    await line.send(frame(CONNECT, *commands).decode())
    return line


async def test_the_close_code_is_the_disconnect_code(ws: str) -> None:
    hub = open_hub()
    async with under_uvicorn(HubASGI(hub), ws) as port:
        line = await connected(port)
        await line.recv()
        await hub.disconnect("ann", code=4001, reason="enough")
        with pytest.raises(openline.ConnectionClosed) as closed:
            await line.recv()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "enough")
        assert not hub.sessions


async def test_what_was_queued_leaves_before_the_close(ws: str) -> None:
    hub = open_hub()
    async with under_uvicorn(HubASGI(hub), ws) as port:
        line = await connected(port, {"id": 2, "subscribe": {"channel": "chat:a"}})
        await line.recv()
        await line.recv()
        for number in range(20):
            await hub.publish("chat:a", number)
        await hub.disconnect("ann")
        got = [json.loads(await line.recv())["push"]["pub"]["data"] for _ in range(20)]
        assert got == list(range(20))
        with pytest.raises(openline.ConnectionClosed):
            await line.recv()


async def test_a_message_that_is_too_large_closes_with_1009(ws: str) -> None:
    hub = open_hub(max_message_size=1000)
    async with under_uvicorn(HubASGI(hub), ws) as port:
        line = await connected(port)
        await line.recv()
        await line.send("é" * 501)
        with pytest.raises(openline.ConnectionClosed) as closed:
            await line.recv()
        assert closed.value.rcvd.code == 1009
        assert not hub.sessions


async def test_a_frame_of_the_other_kind_closes_with_3501(ws: str) -> None:
    async with under_uvicorn(HubASGI(open_hub()), ws) as port:
        line = await connected(port)
        await line.recv()
        await line.send(b"{}")
        with pytest.raises(openline.ConnectionClosed) as closed:
            await line.recv()
        assert closed.value.rcvd.code == DisconnectCode.BAD_REQUEST


async def test_who_does_not_read_is_ended_with_3008(ws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi_websocket, "CLOSE_TIMEOUT", 0.2)
    hub = open_hub(max_queue_size=300_000)
    async with under_uvicorn(HubASGI(hub), ws) as port:
        line = await connected(port, {"id": 2, "subscribe": {"channel": "chat:a"}}, max_queue=1)
        await line.recv()
        await line.recv()
        session = next(iter(hub.sessions.values()))
        most = 0
        while not session.closed:
            await hub.publish("chat:a", "x" * 50_000)
            most = max(most, session.transport.unsent)
            await asyncio.sleep(0)
        assert most <= 300_000
        assert hub.counters.disconnects == {DisconnectCode.SLOW: 1}
        await line.close()


async def test_a_client_that_was_slow_is_told_of_the_newest(ws: str) -> None:
    hub = open_hub(max_queue_size=2**22)
    hub.namespace("state", slow_consumer="conflate")
    async with under_uvicorn(HubASGI(hub), ws) as port:
        line = await connected(port, {"id": 2, "subscribe": {"channel": "state:a"}}, max_queue=1)
        await line.recv()
        await line.recv()
        number = 0
        while not hub.counters.conflated:
            number += 1
            await hub.publish("state:a", [number, "x" * 100_000], key="k")
            await asyncio.sleep(0)
        last = 0
        while last != number:
            last = json.loads(await line.recv())["push"]["pub"]["data"][0]
        await line.close()


async def test_reading_stops_while_the_session_has_too_many_commands(ws: str) -> None:
    hub = open_hub(max_waiting_commands=300)
    go = asyncio.Event()

    @hub.rpc("slow")
    async def slow(session: Any, data: int) -> int:
        await go.wait()
        return data

    async with under_uvicorn(HubASGI(hub), ws) as port:
        line = await connected(port)
        await line.recv()
        session = next(iter(hub.sessions.values()))
        for number in range(30):
            await line.send(json.dumps({"id": number + 2, "rpc": {"method": "slow", "data": number}}))
        while not session.reading_paused:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        go.set()
        assert [json.loads(await line.recv())["rpc"]["data"] for _ in range(30)] == list(range(30))
        await line.close()


async def test_a_hub_that_drains_sends_clients_elsewhere(ws: str) -> None:
    hub = open_hub()
    async with under_uvicorn(HubASGI(hub), ws) as port:
        hub.draining = True
        line = await openline.connect(f"ws://127.0.0.1:{port}{PATH}")
        with pytest.raises(openline.ConnectionClosed) as closed:
            await line.recv()
        assert closed.value.rcvd.code == DisconnectCode.SHUTDOWN


async def test_when_the_server_stops_clients_hear_3001_or_that_it_goes_away(ws: str) -> None:
    hub = open_hub()
    async with under_uvicorn(HubASGI(hub), ws) as port:
        line = await connected(port)
        await line.recv()
    with pytest.raises(openline.ConnectionClosed) as closed:
        await line.recv()
    assert closed.value.rcvd.code in (1001, 1012, DisconnectCode.SHUTDOWN)
    assert not hub.sessions


async def test_nothing_is_received_while_the_session_is_paused() -> None:
    hub = open_hub(max_waiting_commands=300)
    go = asyncio.Event()

    @hub.rpc("slow")
    async def slow(session: Any) -> None:
        await go.wait()

    frames = [frame(CONNECT)] + [frame({"id": n, "rpc": {"method": "slow"}}) for n in range(2, 102)]
    events = [{"type": "websocket.connect"}]
    events += [{"type": "websocket.receive", "text": one.decode()} for one in frames]
    sent: list[Any] = []

    async def receive() -> Any:
        # Never waits: whoever reads on reads all.
        return events.pop(0) if events else {"type": "websocket.disconnect"}

    async def send(event: Any) -> None:
        sent.append(event)

    async with hub:
        scope = {"type": "websocket", "path": PATH, "headers": [], "subprotocols": []}
        serving = asyncio.ensure_future(HubASGI(hub)(scope, receive, send))
        for _ in range(300):
            await asyncio.sleep(0)
        [session] = hub.sessions.values()
        assert session.reading_paused
        assert len(events) > 80
        go.set()
        await serving
        assert not events
