"""How `openline.serve` serves a hub."""

from __future__ import annotations

import asyncio
import http.client
from typing import Any

import pytest

import openline
from openline.hub import Hub
from openline.websocket.http import HTTPRequest, HTTPResponse

from ..conformance.wire import Wire, named_hub

pytestmark = pytest.mark.engine


def port_of(server: Any) -> int:
    return server.sockets[0].getsockname()[1]


async def get(port: int, path: str) -> int:
    def ask() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def test_its_own_path_alone() -> None:
    async with openline.serve(named_hub(), "127.0.0.1", 0) as server:
        base = f"ws://127.0.0.1:{port_of(server)}"
        for path in ("/", "/connection", "/connection/websocket/", "/other"):
            with pytest.raises(openline.exceptions.InvalidStatus) as refusal:
                await openline.connect(base + path)
            assert refusal.value.response.status_code == 404
        assert await get(port_of(server), "/health") == 200
        assert await get(port_of(server), "/nothing") == 404


async def test_beside_a_handler_and_pages_of_ones_own() -> None:
    hub = named_hub()

    async def echo(ws: openline.ServerConnection) -> None:
        async for message in ws:
            await ws.send(message)

    async def pages(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(201, body=request.path)

    async with openline.serve(hub.beside(echo, prefix="/hub"), "127.0.0.1", 0, http=pages) as server:
        base = f"ws://127.0.0.1:{port_of(server)}"
        async with openline.connect(base + "/echo") as ws:
            await ws.send("hi")
            assert await ws.recv() == "hi"
        async with openline.connect(base + "/hub/connection/websocket") as ws:
            await Wire(ws, "json").connect(data={"user": "42"})
        assert await get(port_of(server), "/hub/health") == 200
        assert await get(port_of(server), "/page") == 201


async def test_pages_of_other_hosts_are_refused() -> None:
    async with openline.serve(named_hub(), "127.0.0.1", 0) as server:
        address = f"ws://127.0.0.1:{port_of(server)}/connection/websocket"
        with pytest.raises(openline.exceptions.InvalidStatus) as refusal:
            await openline.connect(address, origin="https://evil.example")
        assert refusal.value.response.status_code == 403
        async with openline.connect(address, origin=f"http://127.0.0.1:{port_of(server)}"):
            pass


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["centrifuge-json"], "centrifuge-json"),
        (["centrifuge-json", "centrifuge-protobuf"], "centrifuge-protobuf"),
        (["else"], None),
        (None, None),
    ],
)
async def test_the_subprotocol(offered: list[str] | None, chosen: str | None) -> None:
    async with openline.serve(named_hub(), "127.0.0.1", 0) as server:
        address = f"ws://127.0.0.1:{port_of(server)}/connection/websocket"
        async with openline.connect(address, subprotocols=offered) as ws:  # type: ignore[arg-type]
            assert ws.subprotocol == chosen


async def test_a_hub_brings_its_own() -> None:
    with pytest.raises(TypeError, match="Hub brings its own listener"):
        openline.serve(Hub(), "127.0.0.1", 0, process_request=lambda ws, request: None)
