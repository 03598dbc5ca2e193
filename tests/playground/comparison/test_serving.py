"""TechniqueServer: each technique by a plain client, and who may come."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from openline import connect
from openline.exceptions import InvalidStatus
from openline.playground.comparison import serving as module
from tests.playground.comparison.servers import serving


async def head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    return int(lines[0].split()[1]), fields


async def get(port: int, target: str, more: str = "") -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n".encode())
    status, fields = await head(reader)
    body = await reader.readexactly(int(fields.get("content-length", 0)))
    writer.close()
    await writer.wait_closed()
    return status, fields, body


async def test_a_poll_is_answered_at_once() -> None:
    async with serving("polling") as (role, port):
        status, _, body = await get(port, "/?after=0")
        assert (status, [message["n"] for message in json.loads(body)]) == (200, [1])
        assert (await get(port, "/?after=1"))[0] == 204
        report = await role.obey({})
        assert (report["requests"], report["delivered"], report["messages"]) == (2, 1, 1)


async def test_a_long_poll_waits_for_what_comes() -> None:
    async with serving("long_polling") as (role, port):
        role.asked = asyncio.Event()
        wait = role._stream.wait

        async def note_and_wait(number: int, seconds: float) -> list[tuple[int, str]]:
            role.asked.set()
            return await wait(number, seconds)

        role._stream.wait = note_and_wait
        asking = asyncio.create_task(get(port, "/?after=1"))
        await role.asked.wait()
        assert not asking.done()
        role._stream.put()
        status, _, body = await asking
        assert (status, [message["n"] for message in json.loads(body)]) == (200, [2])


async def test_events_come_one_by_one_and_go_on_where_the_browser_was() -> None:
    async with serving("server_sent_events") as (role, port):
        role._stream.put()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n\r\n")
        status, fields = await head(reader)
        assert (status, fields["content-type"]) == (200, "text/event-stream")
        assert (await reader.readuntil(b"\n\n")).split(b"\r\n", 1)[1].startswith(b'id: 2\ndata: {"n":2,')
        role._stream.put()
        assert b'id: 3\ndata: {"n":3,' in await reader.readuntil(b"\n\n")
        writer.close()
        await writer.wait_closed()


async def test_a_websocket_gets_each_message_and_may_ask() -> None:
    async with serving("websocket") as (role, port):
        async with connect(f"ws://127.0.0.1:{port}/") as ws:
            role._stream.put()
            assert json.loads(await ws.recv())["n"] == 2
            await ws.send("?")
            assert [message["n"] for message in json.loads(await ws.recv())] == [2]
        report = await role.obey({})
        assert (report["requests"], report["delivered"]) == (1, 1)


@pytest.mark.parametrize("technique", ["polling", "websocket"])
async def test_only_pages_of_the_playground_may_come(technique: str) -> None:
    async with serving(technique, page_port=8000) as (_, port):
        for origin, expected in (("http://127.0.0.1:8000", True), ("http://127.0.0.1:8001", False)):
            if technique == "polling":
                status, _, _ = await get(port, "/", f"Origin: {origin}\r\n")
                assert status == (200 if expected else 403)
            elif expected:
                async with connect(f"ws://127.0.0.1:{port}/", origin=origin):
                    pass
            else:
                with pytest.raises(InvalidStatus, match="403"):
                    await connect(f"ws://127.0.0.1:{port}/", origin=origin)


async def test_lines_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    async with serving("websocket") as (_, port), connect(f"ws://127.0.0.1:{port}/"):
        with pytest.raises(InvalidStatus, match="503"):
            await connect(f"ws://127.0.0.1:{port}/")


async def test_requests_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    async with serving("polling") as (_, port):
        with socket.create_connection(("127.0.0.1", port)):
            for _ in range(100):  # until the first connection has been accepted
                if (await get(port, "/"))[0] == 503:
                    return
    pytest.fail("a second connection was served")


async def test_an_order_changes_the_stream() -> None:
    async with serving("polling") as (role, _):
        settings = {"rate": 50.0, "size": 64, "clients": 1, "every": 1.0}
        await role.obey({"do": "start", "settings": settings})
        assert len((await role._stream.wait(1, 20.0))[0][1]) == 64
