"""What brokers of one node share; most of it is checked by the conformance suite."""

from __future__ import annotations

import pytest

from openline.hub.brokers.memory import MemoryBroker
from openline.hub.brokers.single_node import SingleNode, take
from openline.hub.publication import ClientInfo
from openline.testing import FakeClock
from openline.testing.broker_stage import Heard


def test_take_takes_from_the_end() -> None:
    names = list("abcde")
    assert take(names, 2) == ["d", "e"]
    assert names == ["a", "b", "c"]
    assert take(names, 10) == ["a", "b", "c"]
    assert not names
    assert not take(names, 10)


async def test_a_second_node_is_refused() -> None:
    broker = MemoryBroker()
    await broker.start(Heard(), "one")
    with pytest.raises(RuntimeError, match="one at a time"):
        await broker.start(Heard(), "two")
    await broker.close()
    await broker.start(Heard(), "two")
    await broker.close()


async def test_what_nobody_asks_for_is_swept() -> None:
    clock = FakeClock()
    node = SingleNode(presence_ttl=60.0, clock=clock)
    node._open(Heard(), "one")
    for n in range(10):
        await node.add_presence(f"c{n}", "x", ClientInfo())
    clock.advance(30.0)
    await node.add_presence("c3", "y", ClientInfo())
    clock.advance(31.0)
    node._sweep()
    assert set(node._present) == {"c3"}
    assert set(node._present["c3"]) == {"y"}
    node._shut()


async def test_an_empty_channel_takes_no_memory() -> None:
    node = SingleNode()
    node._open(Heard(), "one")
    await node.add_presence("c", "x", ClientInfo())
    await node.remove_presence("c", "x")
    assert not node._present
    node._shut()


def test_a_ttl_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="presence_ttl"):
        SingleNode(presence_ttl=0.0)
