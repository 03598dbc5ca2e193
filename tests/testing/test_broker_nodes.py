"""The checks of subscriptions, nodes and the end find what they are there for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openline.hub.brokers.base import BrokerEvents
from openline.hub.brokers.memory import MemoryBroker
from openline.testing.broker_nodes import CHECKS
from tests.testing.broken import expect_caught
from tests.testing.test_broker_presence import Alone


class Nameless(MemoryBroker):
    @property
    def name(self) -> str:
        return ""


class NeverUnsubscribes(MemoryBroker):
    async def unsubscribe(self, channel: str) -> None:
        pass


class TellsTwice(MemoryBroker):
    async def subscribe(self, channel: str) -> None:
        again = channel in self._subscribed
        await super().subscribe(channel)
        if again and self._events:
            events = self._events
            self._events = _Twice(events)  # type: ignore[assignment]


class _Twice:
    def __init__(self, events: BrokerEvents) -> None:
        self.events = events

    def __getattr__(self, name: str) -> Any:
        return getattr(self.events, name)

    def on_publication(self, *event: Any) -> None:
        self.events.on_publication(*event)
        self.events.on_publication(*event)


class FoldsNames(MemoryBroker):
    def _append(self, channel: str, *rest: Any) -> Any:
        return super()._append(channel.strip(), *rest)


class ControlsEverybody(MemoryBroker):
    async def publish_control(self, data: bytes, node: str = "") -> None:
        self._required().on_control(data)


class Lingers(MemoryBroker):
    async def start(self, events: BrokerEvents, node: str) -> None:
        await super().start(events, node)
        self.task = asyncio.ensure_future(asyncio.sleep(0.5))


class StaysOpen(MemoryBroker):
    async def close(self) -> None:
        if self._timer:
            self._timer.cancel()


class NeedsAStart(MemoryBroker):
    async def close(self) -> None:
        assert self._events, "close needs a start"
        await super().close()


class Suspends(MemoryBroker):
    async def remove_history(self, channel: str) -> None:
        await asyncio.sleep(0)
        await super().remove_history(channel)


FAULTS = [
    (Nameless, "facts", "name is a word"),
    (NeverUnsubscribes, "subscriptions", "each of 2 publications once|after unsubscribe"),
    (TellsTwice, "subscriptions", "once"),
    (FoldsNames, "names", "channel of its own"),
    (ControlsEverybody, "control", "once, in order"),
    (Alone, "two_nodes", "known on all nodes"),
    (StaysOpen, "closing", "after close raises BrokerDown"),
    (Lingers, "closing", "ends the broker's tasks"),
    (NeedsAStart, "never_started", "needs a start"),
    (Suspends, "without_suspension", "remove_history does not suspend"),
]

# A broker that is alone anyway cannot be harmed by the end of another: the Redis broker is there for this one.
SHOWN_ELSEWHERE = {"dead_node"}


@pytest.mark.parametrize(("broker", "check", "sentence"), FAULTS)
async def test_a_fault_is_found(
    broker: type[MemoryBroker], check: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openline.testing.broker_stage.PATIENCE", 0.2)
    await expect_caught(broker, check, sentence)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


def test_every_check_is_shown_to_find_something() -> None:
    assert {check.__name__ for check in CHECKS} - SHOWN_ELSEWHERE == {check for _, check, _ in FAULTS}
