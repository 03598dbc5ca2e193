"""Tapped lines in the test's own loop."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openline.playground.feeds import Feed
from openline.playground.pages.security import check, echo
from openline.playground.security.tapped import Tapped

PAGE_PORT = 8000
PAGE = f"http://127.0.0.1:{PAGE_PORT}"
TOKEN = "abcdefghijklmnopqrstuv"
Record = dict[str, Any]


class Overheard:
    """What a page is told."""

    def __init__(self, feed: Feed) -> None:
        self._batches = feed.batches()
        self._records: list[Record] = []

    async def until(self, **fields: object) -> Record:
        """The next record with these fields; others are passed over."""
        while True:
            while not self._records:
                self._records = list(await anext(self._batches))
            record = self._records.pop(0)
            if all(record.get(name) == value for name, value in fields.items()):
                return record


@asynccontextmanager
async def tapping(tls: ssl.SSLContext | None) -> AsyncIterator[tuple[Tapped, dict[str, int], Overheard]]:
    """Gives the tapped lines, their ports, and what the page of `TOKEN` hears."""
    tapped = Tapped(echo, check)
    sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in ("ws", "wss", "foreign")}
    ports = {name: sock.getsockname()[1] for name, sock in sockets.items()}
    await tapped.start(sockets["ws"], sockets["wss"], sockets["foreign"], tls, PAGE_PORT)
    try:
        with tapped.feeds.hold(TOKEN) as feed:
            overheard = Overheard(feed)
            try:
                yield tapped, ports, overheard
            finally:
                await overheard._batches.aclose()
    finally:
        await tapped.close()


async def hear(line: Any, **fields: object) -> Record:
    """The next record on a page's line with these fields."""
    async with asyncio.timeout(20.0):
        while True:
            told = json.loads(await line.recv())
            for record in told.get("records", []):
                if all(record.get(name) == value for name, value in fields.items()):
                    return record
