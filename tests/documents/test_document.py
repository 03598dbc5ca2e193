"""One open document, on real lines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from openline.documents import document
from openline.documents.messages import update_message
from openline.documents.storage import DocumentLog
from openline.documents.updates import Update
from openline.hub.stores.base import StoreDown
from openline.hub.stores.memory import MemoryStore

from .editing import Peer, editor, made, serving, settled, writable


class StubbornStore(MemoryStore):
    """Fails, or waits, when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.may = asyncio.Event()
        self.may.set()
        self.appended: list[bytes] = []

    async def append(self, log: str, data: bytes, *, keep: int | None = None) -> int:
        await self.may.wait()
        if self.down:
            raise StoreDown("gone")
        self.appended.append(data)
        return await super().append(log, data, keep=keep)

    async def read(self, log: str, **options: object) -> list[object]:
        if self.down:
            raise StoreDown("gone")
        return await super().read(log, **options)


async def test_two_who_type_see_the_same() -> None:
    documents = writable(made())
    async with serving(documents) as address, editor(f"{address}/a") as one, editor(f"{address}/a") as two:
        one.text += "hello"
        await two.until(lambda: str(two.text) == "hello")
        for _ in range(50):
            one.text.insert(0, "a")
            two.text += "b"
        expected = 105
        await one.until(lambda: len(str(one.text)) == expected)
        await two.until(lambda: len(str(two.text)) == expected)
        assert str(one.text) == str(two.text)
        async with editor(f"{address}/a") as late:
            await late.until(lambda: late.synced)
            assert str(late.text) == str(one.text)


async def test_who_wrote_it_hears_when_it_is_stored_and_nobody_before() -> None:
    store = StubbornStore()
    documents = writable(made(store))
    async with serving(documents) as address, editor(f"{address}/a") as one, editor(f"{address}/a") as two:
        await one.until(lambda: one.synced)
        await two.until(lambda: two.synced)
        heard: list[bytes] = []
        one.doc.observe(lambda event: None)
        store.may.clear()
        one.text += "hello"
        # What comes back behind this has passed the server; the update has not come back by then.
        await one.say(b"{}")
        await one.until(lambda: one.people)
        await two.until(lambda: two.people)
        assert str(two.text) == ""
        assert heard == store.appended
        store.may.set()
        await two.until(lambda: str(two.text) == "hello")
        assert len(store.appended) == 1


async def test_what_comes_in_one_turn_is_one_entry() -> None:
    store = StubbornStore()
    documents = writable(made(store))
    async with serving(documents) as address, editor(f"{address}/a") as one, editor(f"{address}/a") as two:
        await one.until(lambda: one.synced)
        for _ in range(100):
            one.text += "x"
        await two.until(lambda: len(str(two.text)) == 100)
        assert len(store.appended) < 20


async def test_what_the_store_does_not_take_stays_with_who_wrote_it() -> None:
    store = StubbornStore()
    documents = writable(made(store))
    async with serving(documents) as address:
        peer = Peer()
        await peer.connect(f"{address}/a")
        await peer.until(lambda: peer.synced)
        store.down = True
        peer.text += "kept"
        assert await peer.gone() == 4503
        assert documents.counters.store_errors == 1
        await peer.connect(f"{address}/a")
        assert await peer.gone() == 4503, "nor can it be loaded"
        store.down = False
        await peer.connect(f"{address}/a")
        async with editor(f"{address}/a") as other:
            await other.until(lambda: str(other.text) == "kept")
        await peer.close()


async def test_an_edit_of_the_server_raises_where_it_is_not_stored() -> None:
    store = StubbornStore()
    documents = writable(made(store))
    async with serving(documents):
        await documents.edit("a", lambda doc: doc.get("t", type=Text).insert(0, "one"))
        store.down = True
        with pytest.raises(StoreDown):
            await documents.edit("a", lambda doc: doc.get("t", type=Text).insert(0, "two"))
        with pytest.raises(StoreDown):
            await documents.read("a")
        store.down = False
        assert str((await documents.read("a")).get("t", type=Text)) == "one"


async def test_the_log_is_made_one_entry_when_it_has_grown() -> None:
    store = MemoryStore()
    documents = writable(made(store, compact_entries=10))
    async with serving(documents) as address, editor(f"{address}/a") as one:
        await one.until(lambda: one.synced)
        for number in range(35):
            one.text += "x"
            await one.say(b"{}", clock=number + 1)
            await one.until(
                lambda number=number: one.people and one.people[one.doc.client_id].clock == number + 1
            )
        await settled(documents)
        assert documents.counters.compacted >= 3
        assert await store.length("document:a") < 12
        async with editor(f"{address}/a") as late:
            await late.until(lambda: str(late.text) == "x" * 35)


async def test_what_waits_for_others_outlives_compaction_and_unloading() -> None:
    store = MemoryStore()
    documents = writable(made(store, compact_entries=2, idle_timeout=0))
    peer = Peer(client_id=7)
    updates: list[bytes] = []
    peer.doc.observe(lambda event: updates.append(event.update))
    for text in "abcd":
        peer.text += text
    first, second, third, fourth = updates
    async with serving(documents) as address:
        async with editor(f"{address}/a") as one:
            await one.until(lambda: one.synced)
            for data in (first, third, fourth):
                await one.line.send(update_message(data))
            await settled(documents)
        async with editor(f"{address}/a") as one:
            await one.until(lambda: one.synced)
            assert str(one.text) == "a"
            await one.line.send(update_message(second))
            await one.until(lambda: str(one.text) == "abcd")
        assert documents.counters.loaded == 2


async def test_one_who_spoils_the_state_is_refused_and_the_others_go_on() -> None:
    documents = writable(made())
    async with serving(documents) as address, editor(f"{address}/a") as one, editor(f"{address}/a") as bad:
        one.text += "hello"
        await bad.until(lambda: str(bad.text) == "hello")
        await bad.line.send(update_message(b"\x01\x01\x05\x00\x04\x01\x01t\x02ab\x00"))
        await bad.line.send(update_message(b"\x01\x01\x06\x00\x04\x00\x05\x00\x01x\x00"))
        assert await bad.gone() == 4400
        one.text += " world"
        async with editor(f"{address}/a") as late:
            await late.until(lambda: str(late.text).endswith("hello world"))
        assert one.closed is None
        assert documents.counters.loaded == 2


async def test_who_comes_while_it_is_loaded_waits_for_the_one_load() -> None:
    store = StubbornStore()
    documents = writable(made(store))
    async with serving(documents) as address:
        await documents.edit("a", lambda doc: doc.get("t", type=Text).insert(0, "hello"))
        await documents.close()
        peers = [Peer() for _ in range(20)]
        await asyncio.gather(*(peer.connect(f"{address}/a") for peer in peers))
        for peer in peers:
            await peer.until(lambda peer=peer: str(peer.text) == "hello")
            await peer.close()
        assert documents.counters.loaded == 2


async def test_a_damaged_log_is_not_overwritten() -> None:
    store = MemoryStore()
    await store.start()
    await store.append("document:a", b"\x07")
    documents = writable(made(store))
    async with serving(documents) as address:
        peer = Peer()
        peer.text += "x"
        await peer.connect(f"{address}/a")
        assert await peer.gone() == 4503
        assert await store.length("document:a") == 1


async def test_a_writer_is_not_read_while_too_much_waits_for_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document, "MOST_GATHERED", 1000)
    store = StubbornStore()
    documents = writable(made(store, update_rate=None, byte_rate=None))
    async with serving(documents) as address, editor(f"{address}/a") as one, editor(f"{address}/a") as two:
        await one.until(lambda: one.synced)
        await two.until(lambda: two.synced)
        store.may.clear()
        for _ in range(300):
            one.text += "0123456789"
        await one.say(b"{}")
        # His awareness stands behind what is not read; another's does not.
        await two.say(b"{}")
        await two.until(lambda: two.people)
        assert set(two.people) == {two.doc.client_id}
        store.may.set()
        await two.until(lambda: len(str(two.text)) == 3000 and one.doc.client_id in two.people)


async def test_people_are_told_of_and_go_with_their_line() -> None:
    documents = writable(made())
    async with serving(documents) as address, editor(f"{address}/a") as one:
        await one.say(b'{"user":{"name":"one"}}')
        async with editor(f"{address}/a") as two:
            await two.until(lambda: two.people)
            assert two.people[one.doc.client_id].state == b'{"user":{"name":"one"}}'
            await two.say(b"{}")
            await one.until(lambda: len(one.people) == 2)
            await two.say(b"{}", clock=9, client=one.doc.client_id)
            await two.line.send(b"\x03")
        await one.until(lambda: len(one.people) == 1)
        assert one.people[one.doc.client_id].clock == 1
        assert documents.counters.refused == 1


async def test_quiet_lines_are_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = writable(made())
    async with serving(documents) as address, editor(f"{address}/a") as one:
        await one.until(lambda: one.synced)
        (open_document,) = documents._open.values()
        said: Sequence[bytes] = []
        monkeypatch.setattr(open_document, "broadcast", said.append)
        open_document.keep_alive()
        open_document.keep_alive()
        assert said == [b"\x01\x01\x00", b"\x01\x01\x00"]


async def test_what_another_node_stores_meanwhile_outlives_a_compaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    documents = made(max_types=2, compact_entries=2)
    log = DocumentLog(documents.store, "a")
    theirs: Doc[Any] = Doc()
    theirs["t"] = Text("theirs")
    real, loop = document.read_update, asyncio.get_running_loop()

    async def another_node() -> None:
        number = await log.append([theirs.get_update()], 0)
        assert documents._open["a"].take(number, [theirs.get_update()])

    def read(data: bytes) -> Update:
        if (
            threading.current_thread() is not threading.main_thread()
        ):  # the state was taken, the log is as it was
            asyncio.run_coroutine_threadsafe(another_node(), loop).result()
        return real(data)

    monkeypatch.setattr(document, "read_update", read)
    async with serving(documents):
        for key in "xy":
            await documents.edit("a", lambda doc, key=key: doc.get("m", type=Map).update({key: Map()}))
        await settled(documents)
        assert documents.counters.compacted == 1
        kept: Doc[Any] = Doc()
        async for saved in log.read(0):
            for update in saved.updates:
                kept.apply_update(update)
        assert str(kept.get("t", type=Text)) == "theirs"
        assert set(kept.get("m", type=Map)) == {"x", "y"}
