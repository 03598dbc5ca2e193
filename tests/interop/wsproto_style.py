"""wsproto, which is sans-I/O, over asyncio streams."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator

from wsproto import ConnectionType, WSConnection
from wsproto import events as ws_events
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import RemoteProtocolError

from .ends import FRAGMENTS, Client, Closing, Implementation, Server, Transport, parse_closing, parse_command


class Conversation:
    """A WSConnection with its streams."""

    def __init__(
        self, kind: ConnectionType, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.ws = WSConnection(kind)
        self.reader = reader
        self.writer = writer
        self.closing: Closing = (1006, "")
        self._parts: list[str | bytes] = []

    async def send(self, event: ws_events.Event) -> None:
        self.writer.write(self.ws.send(event))
        await self.writer.drain()

    async def send_message(self, message: str | bytes) -> None:
        await self.send(_event(message))

    async def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        for at, part in enumerate(parts):
            await self.send(_event(part, last=at == len(parts) - 1))

    async def events(self) -> AsyncIterator[ws_events.Event]:
        """Messages come whole, as the event of their last part; pings are answered."""
        while True:
            data = await self.reader.read(65536)
            try:
                self.ws.receive_data(data or None)
                for event in self.ws.events():
                    if isinstance(event, ws_events.Ping):
                        await self.send(event.response())
                    elif isinstance(event, ws_events.Message):
                        self._parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
                        if event.message_finished:
                            whole = type(self._parts[0])().join(self._parts)  # type: ignore[arg-type]
                            self._parts.clear()
                            yield dataclasses.replace(event, data=whole)
                    elif isinstance(event, ws_events.CloseConnection):
                        self.closing = (event.code, event.reason or "")
                        with contextlib.suppress(Exception):
                            await self.send(event.response())
                        return
                    else:
                        yield event
            except RemoteProtocolError:
                return
            if not data:
                return

    async def end(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def _event(message: str | bytes, *, last: bool = True) -> ws_events.Message:
    event = ws_events.TextMessage if isinstance(message, str) else ws_events.BytesMessage
    return event(message, message_finished=last)  # type: ignore[arg-type]


class WsprotoClient(Client):
    def __init__(self, conversation: Conversation, accepted: ws_events.AcceptConnection) -> None:
        self.conversation = conversation
        self.subprotocol = accepted.subprotocol
        self.extensions = ", ".join(str(extension.name) for extension in accepted.extensions) or None
        self._events = conversation.events()

    async def send(self, message: str | bytes) -> None:
        await self.conversation.send_message(message)

    async def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        await self.conversation.send_fragments(parts)

    async def recv(self) -> str | bytes:
        event = await anext(self._events)
        assert isinstance(event, ws_events.Message), event
        return event.data

    async def ping(self, payload: bytes) -> None:
        await self.conversation.send(ws_events.Ping(payload))
        event = await anext(self._events)
        assert isinstance(event, ws_events.Pong)
        assert bytes(event.payload) == payload

    async def close(self, code: int, reason: str) -> None:
        await self.conversation.send(ws_events.CloseConnection(code, reason))
        await self.closed()

    async def closed(self) -> Closing:
        async for _ in self._events:
            pass
        await self.conversation.end()
        return self.conversation.closing


class Wsproto(Implementation):
    name = "wsproto"
    lacks: dict[str, str] = {}  # noqa: RUF012

    @contextlib.asynccontextmanager
    async def server(self, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Server]:
        echo = Server("")

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = Conversation(ConnectionType.SERVER, reader, writer)
            async for event in line.events():
                if isinstance(event, ws_events.Request):
                    chosen = next((name for name in subprotocols if name in event.subprotocols), None)
                    extensions = [PerMessageDeflate()] if transport.deflate else []
                    await line.send(ws_events.AcceptConnection(subprotocol=chosen, extensions=extensions))  # type: ignore[arg-type]
                elif isinstance(event, ws_events.Pong):
                    await line.send_message(f"pong {bytes(event.payload).decode()}")
                elif isinstance(event, ws_events.Message):
                    command, argument = parse_command(event.data)
                    if command == "close":
                        await line.send(ws_events.CloseConnection(*parse_closing(argument)))
                    elif command == "fragments":
                        await line.send_fragments(FRAGMENTS)
                    elif command == "ping":
                        await line.send(ws_events.Ping(argument.encode()))
                    else:
                        await line.send_message(event.data)
            await line.end()
            echo.closings.put_nowait(line.closing)

        server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=transport.server_tls)
        async with server:
            echo.uri = transport.uri(server.sockets[0].getsockname()[1])
            yield echo

    @contextlib.asynccontextmanager
    async def client(self, uri: str, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Client]:
        host, port = uri.split("/")[2].split(":")
        tls = {"ssl": transport.client_tls, "server_hostname": host} if transport.client_tls else {}
        line = Conversation(
            ConnectionType.CLIENT,
            *await asyncio.open_connection("127.0.0.1", int(port), **tls),  # type: ignore[arg-type]
        )
        extensions = [PerMessageDeflate()] if transport.deflate else []
        await line.send(
            ws_events.Request(f"{host}:{port}", "/", subprotocols=subprotocols, extensions=extensions)  # type: ignore[arg-type]
        )
        try:
            head = await line.reader.readuntil(b"\r\n\r\n")
            line.ws.receive_data(head)
            accepted = next(line.ws.events())
            assert isinstance(accepted, ws_events.AcceptConnection), accepted
            yield WsprotoClient(line, accepted)
        finally:
            await line.end()
