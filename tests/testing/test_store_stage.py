"""Where the checks of a store play."""

from __future__ import annotations

import pytest

from openline.hub.stores.base import StoreDown
from openline.hub.stores.memory import MemoryStore
from openline.testing.store_stage import StoreStage


async def test_stores_are_closed_with_the_stage() -> None:
    stage = StoreStage(MemoryStore, durable=False)
    store = await stage.store()
    await store.append("log", b"x")
    await stage.close()
    with pytest.raises(StoreDown):
        await store.append("log", b"x")


def test_no_name_is_used_twice() -> None:
    stages = [StoreStage(MemoryStore, durable=False) for _ in range(3)]
    assert len({stage.name("x") for stage in stages for _ in range(3)}) == 9
