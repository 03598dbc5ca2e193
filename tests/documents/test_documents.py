"""`Documents`: what the application calls, what is in memory, and how it is served."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text

import openline
from openline.documents import Documents
from openline.hub import Disconnect, Hub, Refused
from openline.hub.stores.memory import MemoryStore
from openline.hub.stores.sqlite import SQLiteStore

from .editing import Peer, editor, made, serving, settled, writable


def write(text: str) -> Any:
    def change(doc: Doc[Any]) -> None:
        doc.get("t", type=Text).insert(0, text)

    return change


def text_of(doc: Doc[Any]) -> str:
    return str(doc.get("t", type=Text))


async def test_a_version_is_restored_before_everybodys_eyes() -> None:
    documents = writable(made())
    async with serving(documents) as address, editor(f"{address}/a") as one, editor(f"{address}/a") as two:
        one.text += "first"
        await two.until(lambda: str(two.text) == "first")
        first = await documents.save_version("a", "the first", author="me")
        two.text += " and second"
        await one.until(lambda: str(one.text) == "first and second")
        second = await documents.save_version("a")
        await documents.restore("a", first.number)
        await one.until(lambda: str(one.text) == "first")
        await two.until(lambda: str(two.text) == "first")
        one.text += "!"
        await two.until(lambda: str(two.text) == "first!")
        await documents.restore("a", second.number)
        await two.until(lambda: str(two.text) == "first and second")
        assert await documents.versions("a") == [first, second]
        assert text_of(await documents.read_version("a", 1)) == "first"
        for number in (0, 3, -1):
            with pytest.raises(LookupError):
                await documents.restore("a", number)
        with pytest.raises(ValueError, match="200"):
            await documents.save_version("a", "x" * 201)


async def test_the_server_edits_and_reads_what_nobody_has_open() -> None:
    store = MemoryStore()
    documents = writable(made(store, idle_timeout=0))
    async with serving(documents) as address:
        await asyncio.gather(*(documents.edit("a", write("x")) for _ in range(20)))
        assert text_of(await documents.read("a")) == "x" * 20
        await documents.edit("a", lambda doc: None)
        (await documents.read("a")).get("t", type=Text).insert(0, "a copy")
        assert not documents._open
        async with editor(f"{address}/a") as one:
            await one.until(lambda: str(one.text) == "x" * 20)
            await documents.edit("a", write("y"))
            await one.until(lambda: str(one.text) == "y" + "x" * 20)
        for name in ("", "a" * 300):
            with pytest.raises(Refused):
                await documents.edit(name, write("x"))


async def test_a_change_that_fails_changes_nothing() -> None:
    documents = writable(made())

    def fail(doc: Doc[Any]) -> None:
        doc.get("t", type=Text).insert(0, "half")
        raise ZeroDivisionError

    async with serving(documents) as address, editor(f"{address}/a") as one:
        await documents.edit("a", write("whole"))
        with pytest.raises(ZeroDivisionError):
            await documents.edit("a", fail)
        assert text_of(await documents.read("a")) == "whole"
        await documents.edit("a", write("a "))
        await one.until(lambda: str(one.text) == "a whole")


async def test_idle_documents_leave_the_memory_and_come_back() -> None:
    documents = writable(made(idle_timeout=0.05))
    async with serving(documents) as address:
        async with editor(f"{address}/a") as one:
            one.text += "hello"
            await one.until(lambda: one.synced)
            await settled(documents)
        while documents._open:  # noqa: ASYNC110  # it is a matter of time
            await asyncio.sleep(0.01)
        assert documents.counters.unloaded == 1
        async with editor(f"{address}/a") as one:
            await one.until(lambda: str(one.text) == "hello")
        assert documents.counters.loaded == 2


async def test_idle_documents_make_room_and_without_room_one_comes_later() -> None:
    documents = writable(made(max_open=2, max_editors=2))
    async with serving(documents) as address:
        await documents.edit("a", write("x"))
        await documents.edit("b", write("x"))
        async with editor(f"{address}/c") as one, editor(f"{address}/b") as two:
            await one.until(lambda: one.synced)
            await two.until(lambda: two.synced)
            assert set(documents._open) == {"b", "c"}
            peer = Peer()
            await peer.connect(f"{address}/a")
            assert await peer.gone() == 4503
            with pytest.raises(Refused):
                await documents.read("a")
            async with editor(f"{address}/b") as three:
                await three.until(lambda: three.synced)
                await peer.connect(f"{address}/b")
                assert await peer.gone() == 4503
                assert peer.reason == "too many editors"


async def test_all_connections_together_are_bounded() -> None:
    documents = writable(made(max_connections=2))
    async with serving(documents) as address, editor(f"{address}/a") as one:
        await one.until(lambda: one.synced)
        for _ in range(3):
            async with editor(f"{address}/b") as two:
                await two.until(lambda two=two: two.synced)
                peer = Peer()
                await peer.connect(f"{address}/c")
                assert await peer.gone() == 4503
                assert documents.connections == 2
    assert documents.connections == 0


async def test_the_memory_of_documents_is_bounded() -> None:
    documents = writable(made(max_memory=10_000))
    async with serving(documents):
        for name in "abcdef":
            await documents.edit(name, write("x" * 5000))
        assert len(documents._open) <= 3
        assert text_of(await documents.read("a")) == "x" * 5000


async def test_it_is_kept_in_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "file.db")
    async with serving(writable(made(SQLiteStore(path)))) as address, editor(f"{address}/a") as one:
        one.text += "kept"
        async with editor(f"{address}/a") as two:
            await two.until(lambda: str(two.text) == "kept")
    async with serving(writable(made(SQLiteStore(path)))) as address, editor(f"{address}/a") as one:
        await one.until(lambda: str(one.text) == "kept")


async def test_what_was_sent_before_the_server_ends_is_kept() -> None:
    store = MemoryStore()
    documents = writable(made(store))
    peer = Peer()
    async with serving(documents) as address:
        await peer.connect(f"{address}/a")
        await peer.until(lambda: peer.synced)
        peer.text += "last words"
        async with editor(f"{address}/a") as other:
            await other.until(lambda: str(other.text) == "last words")
    assert await peer.gone() in (1001, 3001)
    again = writable(made(store))
    async with serving(again):
        assert text_of(await again.read("a")) == "last words"


async def test_the_hub_is_served_beside_it() -> None:
    documents = writable(made())
    async with serving(documents) as address:
        place = address.removeprefix("ws://").removesuffix("/documents")

        def get(path: str) -> int:
            with urllib.request.urlopen(f"http://{place}{path}") as response:
                return response.status

        assert await asyncio.to_thread(get, "/metrics") == 200
        async with openline.connect(f"ws://{place}/connection/websocket") as line:
            await line.send('{"id":1,"connect":{"data":{"user":"1"}}}')
            assert '"client"' in str(await line.recv())


async def test_a_draining_hub_lets_nobody_in() -> None:
    documents = writable(made())
    async with serving(documents) as address:
        async with editor(f"{address}/a") as one:
            await one.until(lambda: one.synced)
            await documents.hub.drain(0.0)
            assert await one.gone() == 3001
        with pytest.raises(Exception, match="503"):
            await Peer().connect(f"{address}/a")


async def test_it_is_composed_by_its_listener() -> None:
    hub = Hub(insecure=True)
    store = MemoryStore()
    await store.start()
    documents = Documents(hub, store, prefix="/pads/")
    job = asyncio.create_task(documents.run())

    def listener(ws: Any) -> Any:
        return documents.listener(ws) or openline.Listener()

    async with hub, await openline.serve(None, "127.0.0.1", 0, listener=listener) as server:
        port = server.sockets[0].getsockname()[1]
        async with editor(f"ws://127.0.0.1:{port}/pads/a") as one:
            one.text += "x"
            await one.until(lambda: one.synced)
        async with openline.connect(f"ws://127.0.0.1:{port}/documents/a") as line:
            await line.send("nobody listens")
        job.cancel()
        await asyncio.wait([job])
    assert not documents._open


async def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="slash"):
        Documents(Hub(), MemoryStore(), prefix="documents")
    with pytest.raises(TypeError):
        Documents(Hub(), MemoryStore(), max_size=1)
    documents = made()
    writable(documents)
    with pytest.raises(ValueError, match="on_open already"):
        writable(documents)
    assert documents.name_of("/documents/a/b") == "a/b"


async def test_when_it_is_closed_nothing_is_opened() -> None:
    documents = writable(made())
    async with serving(documents):
        documents._closing = True
        with pytest.raises(Disconnect):
            documents.open("a")
        documents._closing = False
        async with documents:
            await documents.edit("a", write("x"))
        assert not documents._open
