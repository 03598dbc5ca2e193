"""What a connection has besides on the client's side."""

from __future__ import annotations

import pytest

from openline import ClientConnection, Connection, ServerConnection, connect, serve
from openline.protocol.states import Side

from .wire import uri_of

pytestmark = pytest.mark.engine


async def test_connect_makes_one() -> None:
    async def handler(ws: ServerConnection) -> None: ...

    async with serve(handler, "127.0.0.1", 0) as server, connect(uri_of(server)) as ws:
        assert isinstance(ws, ClientConnection)
        assert isinstance(ws, Connection)
        assert ws.side is Side.CLIENT
        assert type(ws).__name__ == "ClientConnection"
