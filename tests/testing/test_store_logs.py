"""The checks of logs find what they are there for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openline.hub.stores.base import Entry
from openline.hub.stores.memory import MemoryStore
from openline.testing.store_logs import CHECKS
from tests.testing.broken import expect_caught_store


class CutsData(MemoryStore):
    async def append(self, log: str, data: bytes, **options: Any) -> int:
        return await super().append(log, data[:65536], **options)


class ReadsOneTooFew(MemoryStore):
    async def read(self, log: str, *, after: int = 0, **options: Any) -> list[Entry]:
        return await super().read(log, after=after + 1 if after else 0, **options)


class KeepsByNumber(MemoryStore):
    async def append(self, log: str, data: bytes, *, keep: int | None = None) -> int:
        number = await super().append(log, data)
        if keep is not None:
            await self.trim(log, number - keep)
        return number


class CountsWrongly(MemoryStore):
    async def trim(self, log: str, through: int) -> int:
        return await super().trim(log, through) + 1


class ReplacesWithANewNumber(MemoryStore):
    async def replace(self, log: str, through: int, data: bytes) -> int:
        await self.trim(log, through)
        return await self.append(log, data)


class BeginsAnew(MemoryStore):
    async def delete_log(self, log: str) -> None:
        self._logs.pop(log, None)


class AppendsInTwoSteps(MemoryStore):
    async def append(self, log: str, data: bytes, **options: Any) -> int:
        found = self._made_log(log, 0)
        last = found.last
        await asyncio.sleep(0)
        found.last = last
        if last + 1 in found.data:
            found.numbers.remove(last + 1)
        return await super().append(log, data, **options)


class FoldsNames(MemoryStore):
    def _log(self, name: str) -> Any:
        return super()._log(name.strip())

    def _made_log(self, name: str, size: int) -> Any:
        return super()._made_log(name.strip(), size)


class AppendsTwice(MemoryStore):
    async def append(self, log: str, data: bytes, **options: Any) -> int:
        await super().append(log, data, **options)
        await asyncio.sleep(0)
        return await super().append(log, data, **options)


class StaysOpen(MemoryStore):
    async def close(self) -> None:
        pass


FAULTS = [
    (CutsData, "appending", "kept as they were appended"),
    (ReadsOneTooFew, "reading", r"read\(after="),
    (KeepsByNumber, "keeping", "counts entries, not numbers"),
    (CountsWrongly, "trimming", "nothing is trimmed"),
    (ReplacesWithANewNumber, "replacing", "last replaced number"),
    (BeginsAnew, "deleting", "go on"),
    (AppendsInTwoSteps, "many_writers", "every entry is there"),
    (FoldsNames, "log_names", "log of its own"),
    (MemoryStore, "survives", "outlive"),
    (AppendsTwice, "cancelled_append", "twice"),
    (StaysOpen, "ending", "after close raises StoreDown"),
]


@pytest.mark.parametrize(("store", "check", "sentence"), FAULTS)
async def test_a_fault_is_found(store: type[MemoryStore], check: str, sentence: str) -> None:
    await expect_caught_store(store, check, sentence, durable=store is MemoryStore)


def test_every_check_is_shown_to_find_something() -> None:
    assert {check.__name__ for check in CHECKS} == {check for _, check, _ in FAULTS}
