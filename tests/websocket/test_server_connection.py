"""What a connection has besides on the server's side."""

from __future__ import annotations

import pytest

from openline import Request, Response, Server, ServerConnection, connect, serve
from openline.protocol.states import Side

from .wire import ask, upgrade_request, uri_of

pytestmark = pytest.mark.engine


async def test_server_and_username() -> None:
    found: list[tuple[Server, str]] = []

    def process_request(ws: ServerConnection, request: Request) -> None:
        assert not hasattr(ws, "username")
        ws.username = "alice"

    async def handler(ws: ServerConnection) -> None:
        found.append((ws.server, ws.username))

    async with serve(handler, "127.0.0.1", 0, process_request=process_request) as server:
        async with connect(uri_of(server)) as ws:
            await ws.wait_closed()
        assert found == [(server, "alice")]


async def test_respond() -> None:
    def process_request(ws: ServerConnection, request: Request) -> Response:
        response = ws.respond(402, "pay\n")
        response.headers["X-Price"] = "1"
        return response

    async def handler(ws: ServerConnection) -> None: ...

    async with serve(handler, "127.0.0.1", 0, process_request=process_request) as server:
        answer = await ask(server, upgrade_request())
        assert (answer.status, answer.body, answer.headers["X-Price"]) == (402, b"pay\n", "1")


def test_side() -> None:
    assert ServerConnection.side is Side.SERVER
