"""The broker in memory: the contract, the bounds, and what it costs not to suspend."""

from __future__ import annotations

import pytest

from openline.hub.brokers.memory import MemoryBroker
from openline.testing import BROKER_CHECKS, FakeClock, check_broker


@pytest.mark.parametrize("check", BROKER_CHECKS)
async def test_keeps_the_contract(check: str) -> None:
    clock = FakeClock()
    await check_broker(
        lambda *, presence_ttl: MemoryBroker(presence_ttl=presence_ttl, clock=clock),
        clock=clock,
        suspends=False,
        only=check,
    )


@pytest.mark.parametrize(
    "check", [name for name in BROKER_CHECKS if "ttl" in name or "fade" in name or "renew" in name]
)
async def test_keeps_the_contract_by_the_time_of_the_machine(check: str) -> None:
    await check_broker(
        lambda *, presence_ttl: MemoryBroker(presence_ttl=presence_ttl), suspends=False, only=check
    )
