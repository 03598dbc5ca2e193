"""The store in memory: the contract and its bound."""

from __future__ import annotations

import pytest

from openline.hub.stores.base import StoreDown
from openline.hub.stores.memory import MemoryStore
from openline.testing import STORE_CHECKS, check_store


@pytest.mark.parametrize("check", STORE_CHECKS)
async def test_keeps_the_contract(check: str) -> None:
    await check_store(MemoryStore, durable=False, only=check)


async def test_what_does_not_fit_is_refused_and_removal_makes_room() -> None:
    store = MemoryStore(max_size=10_000)
    await store.start()
    for _ in range(14):
        await store.append("log", b"x" * 500)
    with pytest.raises(StoreDown, match="full"):
        await store.append("log", b"x" * 500)
    assert await store.length("log") == 14
    with pytest.raises(StoreDown, match="full"):
        await store.put("table", "key", b"x" * 1000)
    with pytest.raises(StoreDown, match="full"):
        await store.append("another", b"")
    await store.trim("log", 5)
    assert await store.put("table", "key", b"x" * 1000) == 1
    assert await store.delete("table", "key")
    await store.delete_log("log")
    assert store._size < 1000  # nothing leaks from the account
    await store.close()
