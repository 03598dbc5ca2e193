"""A playground that runs in the test's loop, and visitors who talk to it over real lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from openline import ClientConnection, connect
from openline.playground.server import Playground

TOKEN = "abcdefghijklmnopqrstuv"  # as a page would invent it: 22 characters of base64url

Message = dict[str, Any]


@asynccontextmanager
async def running(
    static: Path = Path("not built"), names: tuple[str, ...] = (), data: Path | None = None
) -> AsyncIterator[str]:
    """Run a playground; gives ``127.0.0.1:PORT``."""
    server = await Playground(names, static, data=data).serve("127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def fetch(address: str, request: str) -> tuple[str, str]:
    """Send a request by hand, which asks for the connection to be closed; the head and the body of the answer."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


def http(address: str, path: str, method: str = "GET", **headers: str) -> str:
    """A request, as `fetch` takes it."""
    head = {"Host": address, "Connection": "close", **headers}
    return f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head.items()) + "\r\n"


async def new_cookie(address: str) -> str:
    """What a visitor's browser keeps after its first page."""
    head, _ = await fetch(address, http(address, "/"))
    return next(line for line in head.split("\r\n") if line.startswith("Set-Cookie: ")).split()[1].rstrip(";")


class Visitor:
    """Somebody on the hub."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self._replies: list[Message] = []
        self._commands = 0

    async def command(self, **command: object) -> Message:
        """Send a command, and return its reply; pushes that come before it are passed over."""
        self._commands += 1
        await self.line.send(json.dumps({"id": self._commands, **command}))
        return await self.hear(id=self._commands)

    async def hear(self, **fields: object) -> Message:
        """The next reply or push that has these fields; others are passed over."""
        while True:
            while not self._replies:
                text = await self.line.recv()
                assert isinstance(text, str)
                self._replies = [json.loads(line) for line in text.split("\n")]
            reply = self._replies.pop(0)
            if all(reply.get(name) == value for name, value in fields.items()):
                return reply


@asynccontextmanager
async def visiting(
    address: str, name: str | None = None, token: str | None = None, cookie: str | None = None
) -> AsyncIterator[Visitor]:
    """Open a line to the hub; with a name, connect."""
    query = "" if token is None else f"?inspect={token}"
    headers = {"Cookie": cookie or await new_cookie(address)}
    async with connect(f"ws://{address}/connection/websocket{query}", additional_headers=headers) as line:
        visitor = Visitor(line)
        if name is not None:
            assert "error" not in await visitor.command(connect={"data": {"name": name}})
        yield visitor


@asynccontextmanager
async def inspecting(address: str, token: str = TOKEN) -> AsyncIterator[Inspection]:
    """Open an inspector's line."""
    async with connect(f"ws://{address}/lines/inspector?inspect={token}") as line:
        yield Inspection(line)


class Inspection:
    """What an inspector is shown, record by record."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self._records: list[Message] = []

    async def ask(self, sample: object) -> None:
        await self.line.send(json.dumps({"ask": sample}))

    async def next(self) -> Message:
        while not self._records:
            self._records = json.loads(await self.line.recv())
        return self._records.pop(0)

    async def until(self, **fields: object) -> Message:
        """The next record that has these fields; others are passed over."""
        while True:
            record = await self.next()
            if all(record.get(name) == value for name, value in fields.items()):
                return record
