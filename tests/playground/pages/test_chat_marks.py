"""Read marks: they move forward, are found again, and are bounded."""

from __future__ import annotations

from pathlib import Path

from openline.hub.stores import open_store
from openline.hub.stores.base import Store
from openline.playground.pages.chat_marks import TABLE, ReadMarks


async def memory() -> Store:
    store = open_store("memory://")
    await store.start()
    return store


async def test_marks_move_forward_only() -> None:
    marks = ReadMarks(await memory())
    assert await marks.move("lobby", "ada", 10) == 10
    assert await marks.move("lobby", "ada", 7) == 10
    assert await marks.move("garden", "ada", 3) == 3
    assert await marks.of("lobby", ["ada", "bob"]) == {"ada": 10}
    assert await marks.of("garden", ["ada"]) == {"ada": 3}


async def test_marks_outlive_the_process(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'marks.db'}"
    for _ in range(2):
        store = open_store(address)
        await store.start()
        marks = ReadMarks(store)
        known = await marks.of("lobby", ["ada"])
        await marks.move("lobby", "ada", 10)
        await store.close()
    assert known == {"ada": 10}


async def test_a_mark_that_does_not_move_is_not_written() -> None:
    store = await memory()
    marks = ReadMarks(store)
    await marks.move("lobby", "ada", 0)
    assert await store.scan(TABLE) == []
    await marks.move("lobby", "ada", 5)
    await marks.move("lobby", "ada", 5)
    row = await store.get(TABLE, "ada")
    assert row is not None
    assert row.version == 1


async def test_who_has_not_read_for_longest_is_forgotten() -> None:
    store = await memory()
    marks = ReadMarks(store, most=2)
    for at, user in enumerate(("ada", "bob", "ada", "eve"), 1):
        await marks.move("lobby", user, at)
    assert await marks.of("lobby", ["ada", "bob", "eve"]) == {"ada": 3, "eve": 4}
    assert [row.key for row in await store.scan(TABLE)] == ["ada", "eve"]


async def test_the_bound_holds_over_what_is_found_in_the_store() -> None:
    store = await memory()
    before = ReadMarks(store)
    for at, user in ((30, "ada"), (10, "bob"), (20, "eve")):
        await before.move("lobby", user, at)
    marks = ReadMarks(store, most=2)
    await marks.move("lobby", "zoe", 40)
    assert [row.key for row in await store.scan(TABLE)] == ["ada", "zoe"]
