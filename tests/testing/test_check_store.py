"""The suite of stores as a whole."""

from __future__ import annotations

import pytest

from openline.hub.stores.memory import MemoryStore
from openline.testing import check_store


async def test_all_checks_run_one_after_the_other() -> None:
    store = MemoryStore()
    await check_store(lambda: store, durable=True)  # one object outlives its own end


async def test_a_check_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="no such check: nothing; there are appending"):
        await check_store(MemoryStore, only="nothing")
