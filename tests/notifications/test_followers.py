"""Who follows a topic."""

from __future__ import annotations

from openline.hub.stores.memory import MemoryStore
from openline.notifications.followers import Followers


async def test_all_are_named_some_hundred_at_a_time() -> None:
    store = MemoryStore()
    await store.start()
    followers = Followers(store, "inbox")
    for number in range(1200):
        await followers.add("news", f"user{number:04}")
    await followers.add("other", "somebody")
    parts = [part async for part in followers.of("news")]
    assert [len(part) for part in parts] == [500, 500, 200]
    assert sum(parts, []) == [f"user{number:04}" for number in range(1200)]  # noqa: RUF017
    assert [part async for part in followers.of("nothing")] == []


async def test_who_follows_again_meanwhile_is_not_struck_out() -> None:
    store = MemoryStore()
    await store.start()
    followers = Followers(store, "inbox")

    async def yes() -> bool:
        return True

    async def no() -> bool:
        return False

    await followers.add("news", "ada")
    await followers.remove("news", "ada", yes)
    assert [part async for part in followers.of("news")] == [["ada"]]
    await followers.remove("news", "ada", no)
    assert [part async for part in followers.of("news")] == []
