"""HTTP as a client of the hub speaks it, by h11 over plain sockets: what is sent is exactly what the test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

import h11

import openline
from openline.hub import Hub

PATIENCE = 10.0
"""Seconds after which something that should come counts as missing."""


class Answer(NamedTuple):
    """A response that is complete."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Exchange:
    """One request on a connection of its own, and its response as it comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self._h11 = h11.Connection(h11.CLIENT)
        self._text = b""
        self.status = 0
        self.headers: dict[str, str] = {}

    @classmethod
    async def begin(
        cls, port: int, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Self:
        """Send a request, and wait for the head of its response."""
        exchange = cls(*await asyncio.open_connection("127.0.0.1", port))
        fields = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body)), **(headers or {})}
        lines = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
        request = h11.Request(method=method, target=target, headers=lines)
        data = exchange._h11.send(request) + exchange._h11.send(h11.Data(data=body))
        exchange.writer.write(data + exchange._h11.send(h11.EndOfMessage()))
        head = await exchange._event()
        assert isinstance(head, h11.Response)
        exchange.status = head.status_code
        exchange.headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        return exchange

    async def _event(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            while (event := self._h11.next_event()) is h11.NEED_DATA:
                self._h11.receive_data(await self._reader.read(65536))
        return event

    async def piece(self) -> bytes:
        """The next bytes of the body; empty at its end."""
        event = await self._event()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def rest(self) -> bytes:
        """All that is still to come of the body."""
        pieces = [self._text]
        while piece := await self.piece():
            pieces.append(piece)
        return b"".join(pieces)

    async def until(self, mark: bytes) -> bytes:
        """The body up to a mark, which is left out."""
        while mark not in self._text:
            piece = await self.piece()
            assert piece, f"the body ended with {self._text!r}"
            self._text += piece
        part, _, self._text = self._text.partition(mark)
        return part

    async def line(self) -> Any:
        """The next line of an HTTP stream."""
        return json.loads(await self.until(b"\n"))

    async def event(self) -> list[Any]:
        """The replies and pushes in the next event."""
        return [json.loads(line.removeprefix(b"data: ")) for line in (await self.until(b"\n\n")).split(b"\n")]

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        await self.writer.wait_closed()


async def ask(
    port: int, method: str, target: str, body: Any = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """Send a request and wait for its whole response; a body that is not bytes is sent as JSON."""
    if not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
    exchange = await Exchange.begin(port, method, target, body, headers)
    answer = Answer(exchange.status, exchange.headers, await exchange.rest())
    await exchange.close()
    return answer


@asynccontextmanager
async def served(hub: Hub, **options: Any) -> AsyncIterator[int]:
    """Serve a hub on a port of 127.0.0.1, until the block ends."""
    async with openline.serve(hub, "127.0.0.1", 0, **options) as server:
        yield server.sockets[0].getsockname()[1]


def open_hub(**options: Any) -> Hub:
    """A hub that lets anybody in as whom he says he is, with a namespace that can everything."""
    hub = Hub(**options)
    hub.namespace("chat", history=10, ttl=60, presence=True, recovery=True)
    hub.namespace("plain")

    @hub.on_connect
    def who(session: Any, data: Any) -> str:
        return data["user"] if data else "ann"

    return hub


CONNECT = {"id": 1, "connect": {}}


def frame(*commands: Any) -> bytes:
    """Commands in JSON."""
    return b"\n".join(json.dumps(command).encode() for command in commands)


@asynccontextmanager
async def streaming(
    port: int, *commands: Any, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Exchange]:
    """An HTTP stream in JSON that begins with these commands."""
    fields = {"Content-Type": "application/json", **(headers or {})}
    exchange = await Exchange.begin(
        port, "POST", "/connection/http_stream", frame(*(commands or (CONNECT,))), fields
    )
    try:
        yield exchange
    finally:
        await exchange.close()


async def emulate(port: int, connected: Any, *commands: Any, **changes: Any) -> int:
    """Send commands to the session whose connect result this is; the status of the answer."""
    body = {
        "session": connected["session"],
        "node": connected["node"],
        "data": frame(*commands).decode(),
        **changes,
    }
    return (await ask(port, "POST", "/emulation", body)).status
