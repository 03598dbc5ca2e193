"""The provider of y-websocket, as it comes, on Node."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Text

import openline
from openline.documents import Documents
from openline.hub import Refused
from openline.hub.stores.memory import MemoryStore

from .editing import editor, made, serving, writable

FOLDER = Path(__file__).parent / "node"

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules" / "y-websocket").exists(),
        reason="y-websocket is not installed: npm ci --ignore-scripts in tests/documents/node",
    ),
]


class Provider:
    """An editor in a process of its own.

    Attributes:
        text: What it sees.
        events: What it has told, but for texts, in order.
        people: Who is there.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.text = ""
        self.events: list[dict[str, Any]] = []
        self.people: list[dict[str, Any]] = []
        self._process = process
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "text":
                self.text = event["text"]
            elif event["event"] == "people":
                self.people = event["people"]
            else:
                self.events.append(event)
            self._news.set()

    def do(self, what: str, **rest: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **rest}).encode() + b"\n")

    async def until(self, true: Callable[[], object]) -> None:
        while not true():
            self._news.clear()
            await self._news.wait()

    async def told(self, name: str) -> dict[str, Any]:
        """Wait for an event of this name, and take it out."""
        await self.until(lambda: any(event["event"] == name for event in self.events))
        event = next(event for event in self.events if event["event"] == name)
        self.events.remove(event)
        return event

    async def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading


@contextlib.asynccontextmanager
async def provider(address: str, name: str = "a", **params: str) -> AsyncIterator[Provider]:
    """A provider that has been opened."""
    process = await asyncio.create_subprocess_exec(
        "node", "client.mjs", cwd=FOLDER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    one = Provider(process)
    try:
        one.do("open", server=address, name=name, params=params)
        yield one
    finally:
        await one.end()


async def test_two_providers_and_one_of_ours_see_the_same() -> None:
    documents = writable(made())
    async with (
        serving(documents) as address,
        provider(address) as one,
        provider(address) as two,
        editor(f"{address}/a") as ours,
    ):
        for each in (one, two):
            await each.told("synced")
        one.do("insert", at=0, text="héllo \N{GRINNING FACE}")
        await two.until(lambda: two.text == "héllo \N{GRINNING FACE}")
        await ours.until(lambda: str(ours.text) == two.text)
        two.do("delete", at=0, length=1)
        ours.text += "!"
        for each in (one, two):
            await each.until(lambda each=each: each.text == "éllo \N{GRINNING FACE}!")
        one.do("say", user={"name": "Ada"})
        await two.until(lambda: any(person.get("user") == {"name": "Ada"} for person in two.people))
        await ours.until(lambda: any(b"Ada" in entry.state for entry in ours.people.values()))


async def test_what_is_written_while_the_line_is_cut_merges() -> None:
    documents = writable(made())
    async with serving(documents) as address, provider(address) as one, provider(address) as two:
        for each in (one, two):
            await each.told("synced")
        one.do("insert", at=0, text="middle")
        await two.until(lambda: two.text == "middle")
        one.do("disconnect")
        one.do("insert", at=-1, text=" mine")
        two.do("insert", at=0, text="theirs ")
        await two.until(lambda: two.text == "theirs middle")
        one.do("connect")
        for each in (one, two):
            await each.until(lambda each=each: each.text == "theirs middle mine")
        # And where the line broke by itself: the provider comes back, and its cursor, too.
        one.do("say", user={"name": "Ada"})
        await two.until(lambda: len(two.people) == 2)
        one.do("cut")
        one.do("insert", at=-1, text="!")
        await two.until(lambda: two.text == "theirs middle mine!")
        await two.until(lambda: any(person.get("user") == {"name": "Ada"} for person in two.people))


async def test_a_provider_comes_back_to_a_server_that_was_started_anew() -> None:
    store = MemoryStore()
    first = writable(made(store))
    async with await openline.serve(first, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        process = provider(f"ws://127.0.0.1:{port}/documents")
        one = await process.__aenter__()
        await one.told("synced")
        one.do("insert", at=0, text="kept")
        async with editor(f"ws://127.0.0.1:{port}/documents/a") as ours:
            await ours.until(lambda: str(ours.text) == "kept")
    try:
        one.do("insert", at=-1, text=" and later")
        again = writable(made(store))
        async with (
            await openline.serve(again, "127.0.0.1", port),
            editor(f"ws://127.0.0.1:{port}/documents/a") as ours,
        ):
            await ours.until(lambda: str(ours.text) == "kept and later")
    finally:
        await process.__aexit__(None, None, None)


async def test_who_only_reads_stops_when_he_writes() -> None:
    documents = made()

    @documents.on_open
    def may(session: Any, name: str) -> str:
        return "write" if session.user == "writer" else "read"

    async with (
        serving(documents) as address,
        provider(address, user="writer") as writer,
        provider(address, user="reader") as reader,
    ):
        await writer.told("synced")
        await reader.told("synced")
        writer.do("insert", at=0, text="hello")
        await reader.until(lambda: reader.text == "hello")
        reader.do("insert", at=0, text="no ")
        closed = await reader.told("closed")
        assert (closed["code"], closed["reason"]) == (4403, "read-only")
        assert str((await documents.read("a")).get("t", type=Text)) == "hello"


@pytest.mark.parametrize(("what", "code"), [("denied", 4403), ("large", 4413)])
async def test_the_provider_stops_where_it_would_change_nothing(what: str, code: int) -> None:
    documents = made(max_update_size=1000)

    @documents.on_open
    def may(session: Any, name: str) -> str:
        if session.user == "denied":
            raise Refused
        return "write"

    async with serving(documents) as address, provider(address, user=what) as one:
        if what == "large":
            await one.told("synced")
            one.do("insert", at=0, text="x" * 2000)
        assert (await one.told("closed"))["code"] == code


async def test_a_version_is_restored_in_providers() -> None:
    documents: Documents = writable(made())
    async with serving(documents) as address, provider(address) as one:
        await one.told("synced")
        one.do("insert", at=0, text="first")
        async with editor(f"{address}/a") as ours:
            await ours.until(lambda: str(ours.text) == "first")
        version = await documents.save_version("a")
        one.do("insert", at=0, text="spoilt ")
        await one.until(lambda: one.text == "spoilt first")
        async with editor(f"{address}/a") as ours:
            await ours.until(lambda: str(ours.text) == "spoilt first")
            await documents.restore("a", version.number)
            await one.until(lambda: one.text == "first")
            one.do("insert", at=-1, text="!")
            await ours.until(lambda: str(ours.text) == "first!")
