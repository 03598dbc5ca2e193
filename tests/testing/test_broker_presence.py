"""The checks of presence find what they are there for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from openline.hub.brokers.memory import MemoryBroker
from openline.hub.publication import ClientInfo
from openline.testing.broker_presence import CHECKS
from tests.testing.broken import expect_caught


class CountsAnonymousAsMany(MemoryBroker):
    async def presence_stats(self, channel: str) -> tuple[int, int]:
        clients, _ = await super().presence_stats(channel)
        return clients, clients


class KeepsTheFirstInfo(MemoryBroker):
    def _add(self, channel: str, client: str, info: ClientInfo, deadline: float) -> None:
        if client not in self._present.get(channel, {}):
            super()._add(channel, client, info, deadline)


class NeverFades(MemoryBroker):
    def _fade(self, channel: str, now: float) -> Any:
        return super()._fade(channel, 0.0)


class RenewsNothing(MemoryBroker):
    async def renew_presence(self, entries: Iterable[tuple[str, str, ClientInfo]]) -> None:
        pass


class RenewsAllOfTheChannel(MemoryBroker):
    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        there = await super().presence(channel)
        for client, info in there.items():
            await self.add_presence(channel, client, info)
        return there


class TellsJoinsToAll(MemoryBroker):
    async def publish_join(self, channel: str, info: ClientInfo) -> None:
        self._required().on_join(channel, info)


class NeverVacates(MemoryBroker):
    async def vacate(self, channel: str) -> bool:
        return False


class Alone(MemoryBroker):
    """Says that it is shared, and is not."""

    @property
    def shared(self) -> bool:
        return True


FAULTS = [
    (CountsAnonymousAsMany, "presence", "5 clients of 3 different users"),
    (KeepsTheFirstInfo, "presence", "has its new info"),
    (NeverFades, "presence_fades", "fades"),
    (RenewsNothing, "presence_is_renewed", "who is renewed stays"),
    (RenewsAllOfTheChannel, "presence_is_renewed", "though others of the channel are"),
    (TellsJoinsToAll, "comings", "once, in order, where they are subscribed"),
    (NeverVacates, "occupation", "become vacant"),
    (Alone, "occupation_by_two", "finds it occupied"),
    (Alone, "occupation_fades", "stays occupied"),
    (Alone, "presence_of_two", "clients of all"),
]


@pytest.mark.parametrize(("broker", "check", "sentence"), FAULTS)
async def test_a_fault_is_found(
    broker: type[MemoryBroker], check: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openline.testing.broker_stage.PATIENCE", 0.2)
    await expect_caught(broker, check, sentence)


def test_every_check_is_shown_to_find_something() -> None:
    assert {check.__name__ for check in CHECKS} == {check for _, check, _ in FAULTS}
