"""The broker in a file: the contract, kill -9, and what a file can do to us."""

from __future__ import annotations

from pathlib import Path

import pytest

from openline.hub.brokers.sqlite import SQLiteBroker
from openline.testing import BROKER_CHECKS, FakeClock, check_broker


@pytest.mark.parametrize("check", BROKER_CHECKS)
async def test_keeps_the_contract(check: str, tmp_path: Path) -> None:
    clock = FakeClock()
    await check_broker(
        lambda *, presence_ttl: SQLiteBroker(
            str(tmp_path / "hub.db"), presence_ttl=presence_ttl, clock=clock
        ),
        clock=clock,
        durable=True,
        only=check,
    )
