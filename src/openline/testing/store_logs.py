"""Checks of a store: logs, beginning and end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from openline.hub.stores.base import Store, StoreDown
from openline.testing.store_stage import StoreStage
from openline.testing.waiting import expect

__all__ = ["CHECKS"]

_ODD_NAMES = ("", " ", "{x}", "*", "\n", "\0", "\u00e9", "e\u0301", "ж" * 100)


async def _filled(store: Store, log: str, count: int) -> list[int]:
    return [await store.append(log, b"%d" % n) for n in range(1, count + 1)]


async def _data(store: Store, log: str) -> list[bytes]:
    return [bytes(entry.data) for entry in await store.read(log)]


async def appending(stage: StoreStage) -> None:
    """Entries have growing numbers, and hold any bytes."""
    store = await stage.store()
    log = stage.name()
    expect(await store.read(log) == [] and await store.length(log) == 0, "a log that nobody wrote is empty")
    samples = [b"", b"\x00\xff", bytes(range(256)), b"x" * 300_000]
    numbers = [await store.append(log, sample) for sample in samples]
    expect(
        numbers[0] > 0 and sorted(set(numbers)) == numbers,
        "an entry's number is greater than those before it",
    )
    entries = await store.read(log)
    wanted = list(zip(numbers, samples, strict=True))
    expect([(e.number, bytes(e.data)) for e in entries] == wanted, "entries are kept as they were appended")
    expect(await store.length(log) == 4, "length counts the entries")


async def reading(stage: StoreStage) -> None:
    """``after``, ``limit`` and ``reverse``, alone and together."""
    store = await stage.store()
    log = stage.name()
    numbers = await _filled(store, log, 10)
    afters = [0, numbers[0], numbers[4], numbers[8], numbers[9], numbers[9] + 5]
    for after in afters:
        for reverse in (False, True):
            for limit in (None, 0, 1, 4, 10, 99):
                wanted = [number for number in numbers if number > after]
                wanted = (wanted[::-1] if reverse else wanted)[:limit]
                got = [
                    entry.number for entry in await store.read(log, after=after, limit=limit, reverse=reverse)
                ]
                call = f"read(after={after}, limit={limit}, reverse={reverse}) of {numbers}"
                expect(got == wanted, f"{call} is {wanted}, not {got}")


async def keeping(stage: StoreStage) -> None:
    """``keep`` removes the oldest entries; numbers go on."""
    store = await stage.store()
    log = stage.name()
    for n in range(1, 21):
        await store.append(log, b"%d" % n, keep=5)
        expect(await store.length(log) == min(n, 5), "a log holds no more entries than it may keep")
    expect(await _data(store, log) == [b"16", b"17", b"18", b"19", b"20"], "the oldest entries are removed")
    numbers = [entry.number for entry in await store.read(log)]
    await store.delete_entry(log, numbers[2])
    last = await store.append(log, b"21", keep=5)
    expect(await _data(store, log) == [b"16", b"17", b"19", b"20", b"21"], "keep counts entries, not numbers")
    expect(last > numbers[-1], "numbers go on")
    await store.append(log, b"22", keep=2)
    expect(await _data(store, log) == [b"21", b"22"], "keep may become less")
    await asyncio.gather(*(store.append(log, b"x", keep=3) for _ in range(50)))
    expect(
        await store.length(log) == 3,
        "a log holds no more entries than it may keep, however many append at once",
    )


async def trimming(stage: StoreStage) -> None:
    """`trim` and `delete_entry` remove what they are told, and say so; numbers are not given again."""
    store = await stage.store()
    log = stage.name()
    expect(await store.trim(log, 100) == 0, "nothing is trimmed from an empty log")
    numbers = await _filled(store, log, 10)
    expect(await store.trim(log, numbers[3]) == 4, "trim tells how many it removed")
    expect(await store.trim(log, numbers[3]) == 0, "what is gone is not removed again")
    expect(await store.length(log) == 6, "length follows")
    expect(await store.delete_entry(log, numbers[5]), "delete_entry tells that the entry was there")
    expect(not await store.delete_entry(log, numbers[5]), "delete_entry tells that the entry was not there")
    expect(not await store.delete_entry(log, numbers[0]), "delete_entry tells that the entry was not there")
    expect(await _data(store, log) == [b"5", b"7", b"8", b"9", b"10"], "what was not removed stays")
    expect(await store.trim(log, numbers[9] + 100) == 5, "all can be trimmed")
    expect(await store.length(log) == 0, "length follows")
    expect(
        await store.append(log, b"11") > numbers[9], "a number is never given twice, though its entry is gone"
    )
    (entry,) = await store.read(log)
    await store.delete_entry(log, entry.number)
    expect(
        await store.append(log, b"12") > entry.number,
        "a number is never given twice, though its entry is gone",
    )


async def replacing(stage: StoreStage) -> None:
    """`replace` puts one entry in the place of many."""
    store = await stage.store()
    log = stage.name()
    numbers = await _filled(store, log, 10)
    expect(
        await store.replace(log, numbers[6], b"1-7") == numbers[6],
        "the new entry has the last replaced number",
    )
    entries = [(entry.number, bytes(entry.data)) for entry in await store.read(log)]
    wanted = [(numbers[6], b"1-7"), (numbers[7], b"8"), (numbers[8], b"9"), (numbers[9], b"10")]
    expect(entries == wanted, "it comes before those that stay")
    expect(await store.length(log) == 4, "length follows")
    later = [entry.number for entry in await store.read(log, after=numbers[6])]
    expect(later == numbers[7:], "who continues after that number misses nothing")
    expect(await store.replace(log, numbers[9], b"all") == numbers[9], "all can be replaced")
    expect(await _data(store, log) == [b"all"], "all can be replaced")
    expect(await store.append(log, b"11") > numbers[9], "numbers go on after replace")
    beyond = numbers[9] + 100
    expect(await store.replace(log, beyond, b"beyond") == beyond, "replace may name a number above all")
    expect(await store.append(log, b"next") > beyond, "a number that replace gave is not given again")
    fresh = stage.name()
    await store.replace(fresh, 7, b"first")
    expect(await store.append(fresh, b"next") > 7, "replace can begin a log")
    expect(await _data(store, fresh) == [b"first", b"next"], "replace can begin a log")


async def deleting(stage: StoreStage) -> None:
    """A log that is deleted is empty; its numbers go on."""
    store = await stage.store()
    log, other = stage.name(), stage.name()
    await store.delete_log(stage.name())
    numbers = await _filled(store, log, 5)
    await _filled(store, other, 2)
    await store.delete_log(log)
    expect(await store.read(log) == [] and await store.length(log) == 0, "a deleted log is empty")
    expect(await store.length(other) == 2, "other logs stay")
    expect(await store.append(log, b"new") > numbers[-1], "the numbers of a deleted log go on")
    expect(await _data(store, log) == [b"new"], "what was deleted does not come back")


async def many_writers(stage: StoreStage) -> None:
    """Many append at once: each entry is there once, and a later call has a later number."""
    store = await stage.store()
    logs = [stage.name() for _ in range(3)]

    async def writer(number: int) -> list[int]:
        log = logs[number % 3]
        return [await store.append(log, b"%d:%d" % (number, turn)) for turn in range(10)]

    numbers = await asyncio.gather(*(writer(number) for number in range(30)))
    expect(all(sorted(own) == own for own in numbers), "an entry's number is greater than those before it")
    for index, log in enumerate(logs):
        wanted = {b"%d:%d" % (n, turn): numbers[n][turn] for n in range(index, 30, 3) for turn in range(10)}
        entries = await store.read(log)
        expect({bytes(e.data): e.number for e in entries} == wanted, "every entry is there at its number")
        expect(len(entries) == len(wanted), "every entry is there once")
        expect([e.number for e in entries] == sorted(e.number for e in entries), "entries are read in order")


async def log_names(stage: StoreStage) -> None:
    """Any text is the name of a log, and is that log alone."""
    store = await stage.store()
    base = stage.name()
    for n, name in enumerate(_ODD_NAMES):
        await store.append(base + name, b"%d" % n)
        await store.put(base + name, "key", b"%d" % n)
    for n, name in enumerate(_ODD_NAMES):
        expect(await _data(store, base + name) == [b"%d" % n], f"{name!r} is a log of its own")
        row = await store.get(base + name, "key")
        expect(row is not None and bytes(row.value) == b"%d" % n, f"{name!r} is a table of its own")


async def survives(stage: StoreStage) -> None:
    """What was written outlives the store object. (Only where that is promised.)"""
    if not stage.durable:
        return
    store = await stage.store()
    log, gone, table = stage.name(), stage.name(), stage.name()
    numbers = await _filled(store, log, 5)
    last = (await _filled(store, gone, 5))[-1]
    await store.trim(log, numbers[1])
    await store.delete_log(gone)
    await store.put(table, "a", b"1")
    await store.put(table, "a", b"2")
    await store.close()
    store = await stage.store()
    expect([entry.number for entry in await store.read(log)] == numbers[2:], "entries outlive the store")
    expect(await store.append(log, b"6") > numbers[-1], "numbers outlive the store")
    expect(await store.append(gone, b"6") > last, "numbers of a deleted log outlive the store")
    row = await store.get(table, "a")
    expect(
        row is not None and (bytes(row.value), row.version) == (b"2", 2),
        "rows and versions outlive the store",
    )


async def cancelled_append(stage: StoreStage) -> None:
    """A write that is cancelled may have taken effect, and harms no other."""
    store = await stage.store()
    log = stage.name()
    tasks = [asyncio.ensure_future(store.append(log, b"%d" % n)) for n in range(40)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await store.append(log, b"end")
    data = await _data(store, log)
    made = {b"%d" % n for n, outcome in enumerate(outcomes) if isinstance(outcome, int)}
    expect({b"%d" % n for n in range(1, 40, 2)} <= made <= set(data), "what was acknowledged is there")
    expect(len(set(data)) == len(data), "nothing is there twice")


async def ending(stage: StoreStage) -> None:
    """`start` and `close` may be repeated; after `close` nothing is left, and calls raise `StoreDown`."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    await stage.unstarted().close()
    store = await stage.store()
    await store.start()
    log = stage.name()
    pending = [asyncio.ensure_future(store.append(log, b"x")) for _ in range(20)]
    await asyncio.sleep(0)
    await store.close()
    outcomes = await asyncio.gather(*pending, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    expect(
        all(isinstance(f, StoreDown) for f in failures),
        f"a call that close cuts off raises StoreDown: {failures}",
    )
    await store.close()
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "append": lambda: store.append(log, b"x"),
        "read": lambda: store.read(log),
        "trim": lambda: store.trim(log, 1),
        "replace": lambda: store.replace(log, 1, b"x"),
        "delete_entry": lambda: store.delete_entry(log, 1),
        "length": lambda: store.length(log),
        "delete_log": lambda: store.delete_log(log),
        "put": lambda: store.put(log, "a", b"x"),
        "get": lambda: store.get(log, "a"),
        "delete": lambda: store.delete(log, "a"),
        "scan": lambda: store.scan(log),
    }
    for name, call in calls.items():
        try:
            await call()
        except StoreDown:
            continue
        raise AssertionError(f"{name} after close raises StoreDown")
    for _ in range(10):
        await asyncio.sleep(0)
    expect(asyncio.all_tasks() - set(pending) <= tasks, "close ends the store's tasks")
    expect(set(threading.enumerate()) <= threads, "close ends the store's threads")


CHECKS = (
    appending,
    reading,
    keeping,
    trimming,
    replacing,
    deleting,
    many_writers,
    log_names,
    survives,
    cancelled_append,
    ending,
)
