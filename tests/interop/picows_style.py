"""picows itself: listeners and single frames."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from picows import (
    WSListener,
    WSMsgType,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_connect,
    ws_create_server,
)

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


class Noting(WSListener):
    """Puts frames together to messages."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self.end: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self.closing: Closing = (1006, "")
        self._parts: list[bytes] = []
        self._text = False

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            code = frame.get_close_code()
            self.closing = (1005 if code is None else int(code), (frame.get_close_message() or b"").decode())
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.PONG:
            self.pongs.put_nowait(frame.get_payload_as_bytes())
        elif frame.msg_type != WSMsgType.PING:  # which picows answers by itself
            if frame.msg_type != WSMsgType.CONTINUATION:
                self._text = frame.msg_type == WSMsgType.TEXT
            self._parts.append(frame.get_payload_as_bytes())
            if frame.fin:
                data = b"".join(self._parts)
                self._parts.clear()
                self.on_message(data.decode() if self._text else data)

    def on_message(self, message: str | bytes) -> None:
        self.messages.put_nowait(message)

    def on_ws_disconnected(self, transport: Any) -> None:
        if not self.end.done():
            self.end.set_result(self.closing)

    def send(self, message: str | bytes) -> None:
        self.transport.send(
            WSMsgType.TEXT if isinstance(message, str) else WSMsgType.BINARY, as_bytes(message)
        )

    def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        kind = WSMsgType.TEXT if isinstance(parts[0], str) else WSMsgType.BINARY
        for at, part in enumerate(parts):
            self.transport.send(kind, as_bytes(part), fin=at == len(parts) - 1)
            kind = WSMsgType.CONTINUATION


def as_bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


class Echo(Noting):
    def __init__(self, closings: asyncio.Queue[Closing], tasks: set[asyncio.Task[None]]) -> None:
        super().__init__()
        self.closings = closings
        self.tasks = tasks

    def on_message(self, message: str | bytes) -> None:
        command, argument = parse_command(message)
        if command == "close":
            code, reason = parse_closing(argument)
            self.transport.send_close(code, reason.encode())
        elif command == "fragments":
            self.send_fragments(FRAGMENTS)
        elif command == "ping":
            self.transport.send_ping(argument.encode())
            task = asyncio.ensure_future(self.tell_of_pong())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            self.send(message)

    async def tell_of_pong(self) -> None:
        self.send(f"pong {(await self.pongs.get()).decode()}")

    def on_ws_disconnected(self, transport: Any) -> None:
        self.closings.put_nowait(self.closing)


class PicowsClient(Client):
    def __init__(self, listener: Noting) -> None:
        self.listener = listener
        headers = listener.transport.response.headers
        self.subprotocol = headers.get("Sec-WebSocket-Protocol")
        self.extensions = headers.get("Sec-WebSocket-Extensions")

    async def send(self, message: str | bytes) -> None:
        self.listener.send(message)

    async def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        self.listener.send_fragments(parts)

    async def recv(self) -> str | bytes:
        return await self.listener.messages.get()

    async def ping(self, payload: bytes) -> None:
        self.listener.transport.send_ping(payload)
        assert await self.listener.pongs.get() == payload

    async def close(self, code: int, reason: str) -> None:
        self.listener.transport.send_close(code, reason.encode())
        await self.listener.end

    async def closed(self) -> Closing:
        return await self.listener.end


class Picows(Implementation):
    name = "picows"
    lacks = {"deflate": "picows itself knows no extensions"}  # noqa: RUF012

    @contextlib.asynccontextmanager
    async def server(self, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Server]:
        echo = Server("")
        tasks: set[asyncio.Task[None]] = set()

        def accept(request: Any) -> WSUpgradeResponseWithListener:
            offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
            chosen = next((name for name in subprotocols if name in offered), None)
            headers = {"Sec-WebSocket-Protocol": chosen} if chosen else {}
            response = WSUpgradeResponse.create_101_response(headers)
            return WSUpgradeResponseWithListener(response, Echo(echo.closings, tasks))

        server = await ws_create_server(
            accept, "127.0.0.1", 0, ssl=transport.server_tls, max_frame_size=MAX_SIZE, use_aiofastnet=False
        )
        async with server:
            echo.uri = transport.uri(server.sockets[0].getsockname()[1])
            yield echo

    @contextlib.asynccontextmanager
    async def client(self, uri: str, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Client]:
        headers = {"Sec-WebSocket-Protocol": ", ".join(subprotocols)} if subprotocols else None
        ws, listener = await ws_connect(
            Noting,
            uri,
            ssl_context=transport.client_tls,
            extra_headers=headers,
            max_frame_size=MAX_SIZE,
            use_aiofastnet=False,
        )
        try:
            yield PicowsClient(listener)  # type: ignore[arg-type]
        finally:
            ws.disconnect(graceful=False)
            await ws.wait_disconnected()
