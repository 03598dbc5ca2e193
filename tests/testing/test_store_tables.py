"""The checks of tables find what they are there for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from openline.hub.stores.base import Row
from openline.hub.stores.memory import MemoryStore
from openline.testing.store_tables import CHECKS
from tests.testing.broken import expect_caught_store


class RemembersVersions(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.versions: dict[tuple[str, str], int] = {}

    async def put(self, table: str, key: str, value: bytes, *, expect: int | None = None) -> int | None:
        version = await super().put(table, key, value, expect=expect)
        if version is None:
            return None
        self.versions[table, key] = self.versions.get((table, key), 0) + 1
        return self.versions[table, key]


class IgnoresExpectedNothing(MemoryStore):
    async def put(self, table: str, key: str, value: bytes, *, expect: int | None = None) -> int | None:
        return await super().put(table, key, value, expect=expect or None)


class ComparesTooEarly(MemoryStore):
    async def put(self, table: str, key: str, value: bytes, *, expect: int | None = None) -> int | None:
        row = await self.get(table, key)
        if expect is not None and expect != (row.version if row else 0):
            return None
        await asyncio.sleep(0)
        return await super().put(table, key, value)


class ScansByUTF16(MemoryStore):
    async def scan(self, table: str, **options: Any) -> Sequence[Row]:
        rows = await super().scan(table, **options)
        return sorted(rows, key=lambda row: row.key.encode("utf-16-be"))


FAULTS = [
    (RemembersVersions, "rows", "begins with version 1"),
    (IgnoresExpectedNothing, "expectations", "0 expects that there is no row"),
    (ComparesTooEarly, "one_of_many", "one of many"),
    (ScansByUTF16, "scanning", r"scan\(prefix="),
]


@pytest.mark.parametrize(("store", "check", "sentence"), FAULTS)
async def test_a_fault_is_found(store: type[MemoryStore], check: str, sentence: str) -> None:
    await expect_caught_store(store, check, sentence)


def test_every_check_is_shown_to_find_something() -> None:
    assert {check.__name__ for check in CHECKS} == {check for _, check, _ in FAULTS}
