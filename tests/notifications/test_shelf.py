"""Inboxes in memory, and their logs."""

from __future__ import annotations

import asyncio

import pytest

from openline.hub.stores.memory import MemoryStore
from openline.notifications.options import InboxOptions
from openline.notifications.records import Marked, Sent, Snapshot, Unreadable, decode
from openline.notifications.shelf import Shelf
from openline.testing import FakeClock


def sent(id_: str, expires: int = 0) -> Sent:
    return Sent(id_, 0, expires, "", b"1")


async def a_store() -> MemoryStore:
    store = MemoryStore()
    await store.start()
    return store


async def write(shelf: Shelf, user: str, *records: Sent | Marked) -> None:
    async with shelf.current(user) as mailbox:
        for record in records:
            await shelf.write(user, mailbox, record)
            await shelf.compact(user, mailbox)


async def test_nodes_see_what_the_others_wrote() -> None:
    store = await a_store()
    one, two = (Shelf(store, "inbox", InboxOptions(), FakeClock()) for _ in range(2))
    await write(one, "ada", sent("a"))
    async with two.current("ada") as mailbox:
        number, change = await two.write("ada", mailbox, sent("a"))
        assert (number, change.verdict) == (2, "duplicate")
        await two.write("ada", mailbox, Marked([1], True))
    async with one.current("ada") as mailbox:
        assert (mailbox.number, mailbox.unread(0), mailbox.revision) == (3, 0, 2)


async def test_who_only_appends_need_not_read_first() -> None:
    store = await a_store()
    one, two = (Shelf(store, "inbox", InboxOptions(), FakeClock()) for _ in range(2))
    await write(one, "ada", sent("a"))
    async with two.current("ada", fresh=False) as mailbox:
        assert not mailbox.knows("a")
        assert (await two.write("ada", mailbox, sent("a")))[1].verdict == "duplicate"


async def test_a_long_log_is_folded_and_nobody_misses_anything() -> None:
    store = await a_store()
    options = InboxOptions(compact_after=8, limit=10)
    one, two = (Shelf(store, "inbox", options, FakeClock()) for _ in range(2))
    for number in range(50):
        await write((one, two)[number % 2], "ada", sent(str(number)))
        assert await store.length("inbox:ada") <= 9
    for shelf in (one, two, Shelf(store, "inbox", options, FakeClock())):
        async with shelf.current("ada") as mailbox:
            found, _ = mailbox.page(0, before=None, limit=100, topic=None, unread=False)
            assert [entry.id for entry in found] == [str(number) for number in reversed(range(40, 50))]
            assert mailbox.revision == 50
    first = decode((await store.read("inbox:ada", limit=1))[0].data)
    assert isinstance(first, Snapshot)


async def test_two_nodes_that_fold_at_once_lose_nothing() -> None:
    store = await a_store()
    options = InboxOptions()
    early, late = (Shelf(store, "inbox", options, FakeClock()) for _ in range(2))
    await write(early, "ada", sent("a"), sent("b"))
    async with early.current("ada") as behind:
        await write(late, "ada", sent("c"), sent("d"), sent("e"))
        # It has seen two entries, and folds only those: behind what the other has folded meanwhile.
        await early.compact("ada", behind, now=True)
        assert await store.length("inbox:ada") == 4
    async with Shelf(store, "inbox", options, FakeClock()).current("ada") as mailbox:
        assert mailbox.unread(0) == 5
        assert mailbox.revision == 5


async def test_memory_holds_the_last_used_and_never_more_than_it_may() -> None:
    store = await a_store()
    shelf = Shelf(store, "inbox", InboxOptions(cached=3), FakeClock())
    for number in range(10):
        await write(shelf, f"user{number}", sent("a"))
    assert len(shelf) == 3
    assert shelf.size == 3 * 302
    large = Shelf(store, "inbox", InboxOptions(cached_size=1000), FakeClock())
    for number in range(10):
        await write(large, f"user{number}", sent("b"))
    assert len(large) == 1
    assert large.size == 2 * 302


async def test_who_is_in_use_is_not_forgotten() -> None:
    store = await a_store()
    shelf = Shelf(store, "inbox", InboxOptions(cached=1), FakeClock())
    async with shelf.current("ada") as ada:
        async with shelf.current("bob") as bob:
            await shelf.write("bob", bob, sent("b"))
            assert len(shelf) == 2
            assert (await shelf.write("ada", ada, sent("a")))[1].verdict == "done"
        assert len(shelf) <= 2
    assert len(shelf) == 1


async def test_one_user_s_changes_come_one_after_the_other() -> None:
    store = await a_store()
    shelf = Shelf(store, "inbox", InboxOptions(), FakeClock())
    order: list[str] = []

    async def hold(name: str, wait: asyncio.Event) -> None:
        async with shelf.current("ada"):
            order.append(f"{name} in")
            await wait.wait()
            order.append(f"{name} out")

    one, two = asyncio.Event(), asyncio.Event()
    tasks = [asyncio.create_task(hold("one", one)), asyncio.create_task(hold("two", two))]
    await asyncio.sleep(0)
    two.set()
    async with shelf.current("bob"):
        order.append("bob")
    one.set()
    await asyncio.gather(*tasks)
    assert order == ["one in", "bob", "one out", "two in", "two out"]


async def test_who_asks_too_often_has_to_wait() -> None:
    shelf = Shelf(await a_store(), "inbox", InboxOptions(client_rate=2), FakeClock())
    assert [shelf.may_ask("ada") for _ in range(5)] == [True] * 4 + [False]
    assert shelf.may_ask("bob")
    free = Shelf(await a_store(), "inbox", InboxOptions(client_rate=None), FakeClock())
    assert all(free.may_ask("ada") for _ in range(1000))


async def test_a_log_of_somebody_else_is_not_touched() -> None:
    store = await a_store()
    await store.append("inbox:ada", b"something else")
    shelf = Shelf(store, "inbox", InboxOptions(), FakeClock())
    with pytest.raises(Unreadable, match="inbox:ada"):
        async with shelf.current("ada"):
            pass
    assert await store.length("inbox:ada") == 1
