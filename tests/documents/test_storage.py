"""How documents stand in a store."""

from __future__ import annotations

import pytest

from openline.documents.lib0 import Malformed
from openline.documents.storage import DocumentLog, Saved, Version, Versions
from openline.hub.stores.memory import MemoryStore


async def started() -> MemoryStore:
    store = MemoryStore()
    await store.start()
    return store


async def all_of(log: DocumentLog, after: int = 0) -> list[Saved]:
    return [saved async for saved in log.read(after)]


async def test_updates_are_read_as_they_were_appended() -> None:
    store = await started()
    log = DocumentLog(store, "a/b")
    assert await all_of(log) == []
    assert await log.append([b"one", b"two" * 100], 3) == 1
    assert await log.append([b"three"], 0, waits=True) == 2
    entries = await all_of(log)
    assert [saved[:4] for saved in entries] == [
        (1, [b"one", b"two" * 100], 3, False),
        (2, [b"three"], 0, True),
    ]
    assert await all_of(log, after=1) == entries[1:]
    assert await all_of(DocumentLog(store, "a")) == []


async def test_many_entries_are_read_in_parts() -> None:
    log = DocumentLog(await started(), "a")
    for number in range(600):
        await log.append([b"%d" % number], 0)
    assert [saved.updates for saved in await all_of(log)] == [[b"%d" % number] for number in range(600)]


async def test_entries_are_replaced_by_one() -> None:
    log = DocumentLog(await started(), "a")
    for number in range(5):
        await log.append([b"%d" % number], 0)
    await log.replace(3, [b"full"], 7, waits=True)
    assert [saved[:4] for saved in await all_of(log)] == [
        (3, [b"full"], 7, True),
        (4, [b"3"], 0, False),
        (5, [b"4"], 0, False),
    ]
    assert await log.append([b"5"], 0) == 6


async def test_an_entry_of_somebody_else_is_malformed() -> None:
    store = await started()
    await store.append("document:a", b"\x02")
    with pytest.raises(Malformed, match="format 2"):
        await all_of(DocumentLog(store, "a"))


async def test_versions_are_kept_listed_and_read() -> None:
    store = await started()
    versions = Versions(store, "a", 100)
    first = await versions.save(b"one", "the first", "me")
    second = await versions.save(b"other", "", "")
    assert (first.number, first.label, first.author, first.size) == (1, "the first", "me", 3)
    assert await versions.all() == [first, second]
    assert await versions.state(1) == b"one"
    assert await versions.state(3) is None
    assert await versions.state(-4) is None
    assert await Versions(store, "b", 100).all() == []


async def test_of_too_many_versions_the_oldest_go() -> None:
    store = await started()
    versions = Versions(store, "a", 150)
    for number in range(153):
        await versions.save(b"%d" % number, str(number), "")
    listed = await versions.all()
    assert [version.number for version in listed] == list(range(4, 154))
    assert isinstance(listed[0], Version)
    assert await versions.state(3) is None
    assert await versions.state(4) == b"3"
