"""Where the checks of a broker play."""

from __future__ import annotations

import pytest

from openline.hub.brokers.memory import MemoryBroker
from openline.testing.broker_stage import KEPT, BrokerStage, Heard, numbered, said, text


def stage() -> BrokerStage:
    return BrokerStage(MemoryBroker, clock=None, durable=False, suspends=False)


async def test_nodes_are_closed_with_the_stage() -> None:
    one = stage()
    node = await one.node()
    await node.broker.publish("c", numbered(1), history=KEPT)
    await one.close()
    assert node.broker._events is None  # type: ignore[attr-defined]


async def test_a_broker_that_is_not_shared_is_alone() -> None:
    one = stage()
    assert len(await one.nodes()) == 1
    await one.close()


def test_no_name_is_used_twice() -> None:
    stages = [stage() for _ in range(3)]
    names = [one.channel("x") for one in stages for _ in range(3)]
    assert len(set(names)) == 9
    assert all(name.endswith("x") for name in names)


def test_a_publication_says_its_number() -> None:
    assert text(numbered(7)) == said(7) == '{"n":7}'


async def test_what_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openline.testing.broker_stage.PATIENCE", 0.02)
    with pytest.raises(AssertionError, match="the sentence"):
        await Heard().until(lambda: False, "the sentence")
