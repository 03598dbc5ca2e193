"""Brokers and stores with one fault each: a suite that passes them is none."""

from __future__ import annotations

import pytest

from openline.hub.brokers.memory import MemoryBroker
from openline.hub.stores.memory import MemoryStore
from openline.testing import FakeClock, check_broker, check_store


async def expect_caught(
    broker: type[MemoryBroker], check: str, sentence: str, *, durable: bool = False
) -> None:
    """The check must find the fault, and say which sentence of the contract it breaks."""
    clock = FakeClock()
    with pytest.raises(AssertionError, match=sentence):
        await check_broker(
            lambda *, presence_ttl: broker(presence_ttl=presence_ttl, clock=clock),
            clock=clock,
            durable=durable,
            suspends=False,
            only=check,
        )


async def expect_caught_store(
    store: type[MemoryStore], check: str, sentence: str, *, durable: bool = False
) -> None:
    """The same for a store."""
    with pytest.raises(AssertionError, match=sentence):
        await check_store(store, durable=durable, only=check)
