"""The suite as a whole."""

from __future__ import annotations

import pytest

from openline.hub.brokers.memory import MemoryBroker
from openline.testing import BROKER_CHECKS, FakeClock, check_broker


async def test_all_checks_run_one_after_the_other() -> None:
    clock = FakeClock()
    made = 0

    def make_broker(*, presence_ttl: float) -> MemoryBroker:
        nonlocal made
        made += 1
        return MemoryBroker(presence_ttl=presence_ttl, clock=clock)

    await check_broker(make_broker, clock=clock, suspends=False)
    assert made > len(BROKER_CHECKS) // 2


async def test_a_check_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="no such check: nothing; there are facts"):
        await check_broker(MemoryBroker, only="nothing")
