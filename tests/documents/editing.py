"""Documents to edit, and an editor to do it with: a Yjs client of `pycrdt` over a connection of ours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from pycrdt import Doc, Text

import openline
from openline.documents import Documents
from openline.documents.messages import (
    AwarenessEntry,
    Kind,
    awareness_message,
    read_awareness,
    read_messages,
    step1_message,
    step2_message,
    update_message,
)
from openline.hub import Hub
from openline.hub.stores.base import Store
from openline.hub.stores.memory import MemoryStore
from openline.protocol.states import State
from openline.testing.waiting import until


def made(store: Store | None = None, *, broker: Any = None, **options: Any) -> Documents:
    """Documents that everybody may write; who connects is whom ``?user=`` names."""
    hub = Hub(broker)
    documents = Documents(hub, store or MemoryStore(), **options)

    @hub.on_connect
    def who(session: Any, data: Any) -> str:
        return data.get("user", "")

    return documents


def writable(documents: Documents) -> Documents:
    """Let everybody write."""

    @documents.on_open
    def may(session: Any, name: str) -> str:
        return "write"

    return documents


@contextlib.asynccontextmanager
async def serving(documents: Documents, **options: Any) -> AsyncIterator[str]:
    """Serve documents; yields the address that names stand behind."""
    async with await openline.serve(documents, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/documents"


class Peer:
    """A Yjs client that syncs as a provider does.

    Attributes:
        doc: Its document; what is changed in it is sent.
        text: The text in it.
        people: What it knows of the others, and of itself.
        denied: What the server refused.
        closed: The close code, once the line is closed.
    """

    def __init__(self, doc: Doc[Any] | None = None, client_id: int | None = None) -> None:
        self.doc: Doc[Any] = doc or Doc(client_id=client_id)
        self.people: dict[int, AwarenessEntry] = {}
        self.denied: list[bytes] = []
        self.synced = False
        self.closed: int | None = None
        self.reason = ""
        self.line: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._remote = False
        self.text: Any = self.doc.get("t", type=Text)
        self.doc.observe(self._changed)

    def _changed(self, event: Any) -> None:
        if not self._remote and self.line is not None:
            with contextlib.suppress(openline.ConnectionClosed):
                self.line.send_nowait(update_message(event.update))

    async def connect(self, url: str, **options: Any) -> None:
        """Open a line, and sync."""
        self.synced, self.closed = False, None
        self.line = await openline.connect(url, max_size=None, **options)
        await self.line.send(step1_message(self.doc.get_state()))
        self._reading = asyncio.create_task(self._read(self.line))

    async def _read(self, line: Any) -> None:
        try:
            async for frame in line:
                for message in read_messages(frame):
                    self._take(line, message.kind, message.body, frame)
                self._news.set()
        finally:
            if line.state is not State.OPEN:
                await line.wait_closed()
            self.closed, self.reason = line.close_code, line.close_reason
            self._news.set()

    def _take(self, line: Any, kind: Kind, body: bytes, frame: bytes) -> None:
        if kind is Kind.STEP1:
            line.send_nowait(step2_message(self.doc.get_update(body)))
        elif kind in (Kind.STEP2, Kind.UPDATE):
            self._remote = True
            try:
                self.doc.apply_update(body)
            finally:
                self._remote = False
            self.synced = self.synced or kind is Kind.STEP2
        elif kind is Kind.AWARENESS:
            for entry in read_awareness(body, 1000):
                if entry.state == b"null":
                    self.people.pop(entry.client, None)
                else:
                    self.people[entry.client] = entry
        else:
            self.denied.append(frame)

    async def say(self, state: bytes, clock: int = 1, client: int | None = None) -> None:
        """Say something of oneself."""
        entry = AwarenessEntry(self.doc.client_id if client is None else client, clock, state)
        await self.line.send(awareness_message([entry]))

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until something is so; a test has 30 seconds."""
        while not true():
            self._news.clear()
            await self._news.wait()

    async def stop_reading(self) -> None:
        """Read nothing more, with the line open."""
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def cut(self) -> None:
        """Lose the line."""
        self.line.abort()
        await self.gone()

    @property
    def reading(self) -> bool:
        """Whether what comes is still taken."""
        return self._reading is not None and not self._reading.done()

    async def gone(self) -> int:
        """Wait until the line is closed; returns the code."""
        assert self._reading is not None
        await asyncio.wait([self._reading])
        with contextlib.suppress(openline.ConnectionClosed):
            self._reading.result()
        assert self.closed is not None
        return self.closed

    async def close(self) -> None:
        """Close the line."""
        if self.line is not None:
            await self.line.close()
            await self.gone()


@contextlib.asynccontextmanager
async def editor(url: str, client_id: int | None = None, **options: Any) -> AsyncIterator[Peer]:
    """Somebody who has opened a document."""
    peer = Peer(client_id=client_id)
    await peer.connect(url, **options)
    try:
        yield peer
    finally:
        await peer.close()


async def settled(documents: Documents) -> None:
    """Wait until nothing is on its way to the store."""

    async def is_so() -> bool:
        return not any(one.busy for one in documents._open.values())

    await until(is_so, "nothing is on its way")
