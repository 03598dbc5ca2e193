"""aiohttp."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import WSMsgType, web

from .ends import MAX_SIZE, Client, Closing, Implementation, Server, Transport, parse_closing, parse_command

ENDED = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)


class AiohttpClient(Client):
    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.subprotocol = ws.protocol
        self.extensions = "permessage-deflate" if ws.compress else None
        self.closing: Closing = (1006, "")

    async def send(self, message: str | bytes) -> None:
        await (self.ws.send_str(message) if isinstance(message, str) else self.ws.send_bytes(message))

    async def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        raise NotImplementedError

    async def recv(self) -> str | bytes:
        while (message := await self.ws.receive()).type is WSMsgType.PING:
            await self.ws.pong(message.data)
        if message.type in ENDED:
            if message.type is WSMsgType.CLOSE:
                self.closing = (message.data or 1005, message.extra or "")
            raise EOFError
        assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), message
        return message.data

    async def ping(self, payload: bytes) -> None:
        await self.ws.ping(payload)
        message = await self.ws.receive()
        assert (message.type, bytes(message.data)) == (WSMsgType.PONG, payload)

    async def close(self, code: int, reason: str) -> None:
        await self.ws.close(code=code, message=reason.encode())

    async def closed(self) -> Closing:
        if self.ws.closed:
            return self.ws.close_code or 1006, ""
        with contextlib.suppress(EOFError):
            while True:
                await self.recv()
        return self.closing


class Aiohttp(Implementation):
    name = "aiohttp"
    lacks = {  # noqa: RUF012
        "fragments": "aiohttp sends each message in one frame",
    }

    @contextlib.asynccontextmanager
    async def server(self, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Server]:
        echo = Server("")

        async def handler(request: web.Request) -> web.WebSocketResponse:
            ws = web.WebSocketResponse(
                protocols=subprotocols,
                compress=transport.deflate,
                max_msg_size=MAX_SIZE,
                autoping=False,
                autoclose=False,
            )
            await ws.prepare(request)
            closing: Closing = (1006, "")
            pinged: set[bytes] = set()
            while (message := await ws.receive()).type not in ENDED:
                if message.type is WSMsgType.PING:
                    await ws.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    if bytes(message.data) in pinged:
                        await ws.send_str(f"pong {message.data.decode()}")
                elif message.type is WSMsgType.BINARY:
                    await ws.send_bytes(message.data)
                else:
                    command, argument = parse_command(message.data)
                    if command == "close":
                        code, reason = parse_closing(argument)
                        await ws.close(code=code, message=reason.encode(), drain=True)
                        echo.closings.put_nowait((ws.close_code or 1006, reason))
                        return ws
                    if command == "ping":
                        pinged.add(argument.encode())
                        await ws.ping(argument.encode())
                    else:
                        await ws.send_str(message.data)
            if message.type is WSMsgType.CLOSE:
                closing = (message.data or 1005, message.extra or "")
                await ws.close(code=message.data or 1000)
            echo.closings.put_nowait(closing)
            return ws

        app = web.Application()
        app.router.add_get("/", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=transport.server_tls)
            await site.start()
            echo.uri = transport.uri(runner.addresses[0][1])
            yield echo
        finally:
            await runner.cleanup()

    @contextlib.asynccontextmanager
    async def client(self, uri: str, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Client]:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                uri,
                ssl=transport.client_tls or True,
                protocols=subprotocols,
                compress=15 if transport.deflate else 0,
                max_msg_size=MAX_SIZE,
                autoping=False,
                autoclose=True,
            ) as ws,
        ):
            yield AiohttpClient(ws)
        await asyncio.sleep(0)  # the connector closes its transports in a callback
