"""Checks of a store: tables."""

from __future__ import annotations

import asyncio

from openline.hub.stores.base import Row
from openline.testing.store_stage import StoreStage
from openline.testing.waiting import expect

__all__ = ["CHECKS"]


async def rows(stage: StoreStage) -> None:
    """A row is written, read, written again, removed; its version counts the writes."""
    store = await stage.store()
    table, other = stage.name(), stage.name()
    expect(await store.get(table, "a") is None, "a row that nobody wrote is None")
    expect(not await store.delete(table, "a"), "delete tells that the row was not there")
    expect(await store.put(table, "a", b"1") == 1, "versions begin with 1")
    expect(await store.put(table, "a", b"\x00\xff") == 2, "the version grows with each put")
    await store.put(table, "b", b"")
    await store.put(other, "a", b"other")
    row = await store.get(table, "a")
    expect(
        row is not None and row == Row("a", b"\x00\xff", 2), f"get returns the row as it was put, not {row}"
    )
    row = await store.get(table, "b")
    expect(row is not None and row == Row("b", b"", 1), "a value may be empty")
    expect(await store.delete(table, "a"), "delete tells that the row was there")
    expect(await store.get(table, "a") is None, "a removed row is gone")
    row = await store.get(other, "a")
    expect(row is not None and bytes(row.value) == b"other", "tables are independent")
    expect(await store.put(table, "a", b"new") == 1, "a row that comes again begins with version 1")


async def expectations(stage: StoreStage) -> None:
    """``expect``: nothing is written where the version is another."""
    store = await stage.store()
    table = stage.name()
    expect(await store.put(table, "a", b"x", expect=1) is None, "there is no version 1 yet")
    expect(await store.get(table, "a") is None, "what was not expected is not written")
    expect(await store.put(table, "a", b"1", expect=0) == 1, "0 expects that there is no row")
    expect(await store.put(table, "a", b"x", expect=0) is None, "0 expects that there is no row")
    expect(await store.put(table, "a", b"2", expect=1) == 2, "the version that was expected is replaced")
    expect(await store.put(table, "a", b"x", expect=1) is None, "an old version is not replaced")
    row = await store.get(table, "a")
    expect(row == Row("a", b"2", 2), "what was not expected is not written")
    await store.delete(table, "a")
    expect(await store.put(table, "a", b"x", expect=2) is None, "a removed row has no version")
    expect(await store.put(table, "a", b"3", expect=0) == 1, "a removed row is none")


async def one_of_many(stage: StoreStage) -> None:
    """Of many that expect the same version, one writes."""
    store = await stage.store()
    table = stage.name()
    for version in range(3):
        results = await asyncio.gather(
            *(store.put(table, "a", b"%d" % number, expect=version) for number in range(20))
        )
        winners = [number for number, result in enumerate(results) if result is not None]
        expect(len(winners) == 1, f"one of many that expect version {version} writes, not {len(winners)}")
        row = await store.get(table, "a")
        expect(row == Row("a", b"%d" % winners[0], version + 1), "what is there is what the winner wrote")


async def scanning(stage: StoreStage) -> None:
    """`scan` returns rows in the order of UTF-8 bytes, by prefix, page by page."""
    store = await stage.store()
    table = stage.name()
    keys = [
        "",
        "a",
        "a/1",
        "a/10",
        "a/2",
        "ab",
        "b",
        "a/\U0010ffff",
        "a/\U0010ffffz",
        "a/\uffff",
        "A",
        "é",
        "e\u0301",
        "ж",
    ]
    expect(list(await store.scan(table)) == [], "a table that nobody wrote is empty")
    for key in keys:
        await store.put(table, key, key.encode())
    await store.put(stage.name(), "a/other", b"")
    order = sorted(keys, key=str.encode)
    for prefix in ("", "a", "a/", "a/1", "é", "nothing", "a/\U0010ffff"):
        for after in ("", "a", "a/1", "a/\uffff", "zzz"):
            for limit in (0, 1, 3, 100):
                wanted = [key for key in order if key.startswith(prefix) and (not after or key > after)][
                    :limit
                ]
                got = [row.key for row in await store.scan(table, prefix=prefix, after=after, limit=limit)]
                call = f"scan(prefix={prefix!r}, after={after!r}, limit={limit})"
                expect(got == wanted, f"{call} is {wanted}, not {got}")
    found = await store.scan(table, prefix="a/1")
    expect(list(found) == [Row("a/1", b"a/1", 1), Row("a/10", b"a/10", 1)], "scan returns whole rows")
    for n in range(150):
        await store.put(table, f"n/{n:03}", b"")
    expect(
        len(await store.scan(table, prefix="n/")) == 100, "scan returns 100 rows unless it is told otherwise"
    )


CHECKS = (rows, expectations, one_of_many, scanning)
