"""A playground that runs in the test's loop, and visitors who talk to it over real lines."""

from __future__ import annotations

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
async def running(static: Path = Path("not built"), names: tuple[str, ...] = ()) -> AsyncIterator[str]:
    """Run a playground; gives ``127.0.0.1:PORT``."""
    server = await Playground(names, static).serve("127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


class Visitor:
    """Somebody in the chat."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line

    async def tell(self, **message: object) -> None:
        await self.line.send(json.dumps(message))

    async def hear(self, kind: str) -> Message:
        """The next message of this type; others are passed over."""
        while True:
            message = json.loads(await self.line.recv())
            if message["type"] == kind:
                return message


@asynccontextmanager
async def visiting(address: str, name: str | None = None, token: str | None = None) -> AsyncIterator[Visitor]:
    """Open a line to the chat; with a name, enter the room."""
    query = "" if token is None else f"?inspect={token}"
    async with connect(f"ws://{address}/lines/chat{query}") as line:
        visitor = Visitor(line)
        if name is not None:
            await visitor.tell(type="enter", name=name)
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
