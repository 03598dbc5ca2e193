"""Libraries with the API of `websockets`: openline, websockets, and picows.websockets."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import picows.websockets.asyncio.client
import picows.websockets.asyncio.server
import picows.websockets.exceptions
import websockets.asyncio.client
import websockets.asyncio.server
import websockets.exceptions

import openline

from .ends import (
    FRAGMENTS,
    MAX_SIZE,
    Client,
    Closing,
    Implementation,
    Server,
    Transport,
    parse_closing,
    parse_command,
)


class CoroutineClient(Client):
    def __init__(self, ws: Any, exceptions: ModuleType) -> None:
        self.ws = ws
        self.exceptions = exceptions
        self.subprotocol = ws.subprotocol
        self.extensions = ws.response.headers.get("Sec-WebSocket-Extensions")

    async def send(self, message: str | bytes) -> None:
        await self.ws.send(message)

    async def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        await self.ws.send(parts)

    async def recv(self) -> str | bytes:
        return await self.ws.recv()

    async def ping(self, payload: bytes) -> None:
        await (await self.ws.ping(payload))

    async def close(self, code: int, reason: str) -> None:
        await self.ws.close(code, reason)

    async def closed(self) -> Closing:
        with contextlib.suppress(self.exceptions.ConnectionClosed):
            while True:
                await self.ws.recv()
        await self.ws.wait_closed()
        return self.ws.close_code, self.ws.close_reason or ""


class CoroutineStyle(Implementation):
    def __init__(
        self, name: str, serve: Any, connect: Any, exceptions: ModuleType, lacks: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.serve = serve
        self.connect = connect
        self.exceptions = exceptions
        self.lacks = lacks or {}

    def options(self, transport: Transport, subprotocols: list[str]) -> dict[str, Any]:
        return {
            "compression": "deflate" if transport.deflate else None,
            "subprotocols": subprotocols or None,
            "max_size": MAX_SIZE,
            "ping_interval": None,
        }

    @contextlib.asynccontextmanager
    async def server(self, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Server]:
        echo = Server("")

        async def handler(ws: Any) -> None:
            async for message in ws:
                command, argument = parse_command(message)
                if command == "close":
                    await ws.close(*parse_closing(argument))
                elif command == "fragments":
                    await ws.send(FRAGMENTS)
                elif command == "ping":
                    await (await ws.ping(argument.encode()))
                    await ws.send(f"pong {argument}")
                else:
                    await ws.send(message)

        async def noting(ws: Any) -> None:
            with contextlib.suppress(self.exceptions.ConnectionClosed):
                await handler(ws)
            await ws.wait_closed()
            echo.closings.put_nowait((ws.close_code, ws.close_reason or ""))

        options = self.options(transport, subprotocols)
        async with self.serve(noting, "127.0.0.1", 0, ssl=transport.server_tls, **options) as server:
            echo.uri = transport.uri(next(iter(server.sockets)).getsockname()[1])
            yield echo

    @contextlib.asynccontextmanager
    async def client(self, uri: str, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Client]:
        options = self.options(transport, subprotocols)
        async with self.connect(uri, ssl=transport.client_tls, proxy=None, **options) as ws:
            yield CoroutineClient(ws, self.exceptions)


OPENLINE = CoroutineStyle("openline", openline.serve, openline.connect, openline.exceptions)
WEBSOCKETS = CoroutineStyle(
    "websockets", websockets.asyncio.server.serve, websockets.asyncio.client.connect, websockets.exceptions
)
PICOWS_WEBSOCKETS = CoroutineStyle(
    "picows.websockets",
    picows.websockets.asyncio.server.serve,
    picows.websockets.asyncio.client.connect,
    picows.websockets.exceptions,
    {"backlog over TLS": "picows.websockets 2.3 does not resume reading over TLS once its queue was full"},
)
