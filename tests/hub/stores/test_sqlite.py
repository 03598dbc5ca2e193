"""The store in a file: the contract, and a broker on the same file."""

from __future__ import annotations

from pathlib import Path

import pytest

from openline.hub.stores.sqlite import SQLiteStore
from openline.testing import STORE_CHECKS, check_store


@pytest.mark.parametrize("check", STORE_CHECKS)
async def test_keeps_the_contract(check: str, tmp_path: Path) -> None:
    await check_store(lambda: SQLiteStore(str(tmp_path / "store.db")), only=check)
