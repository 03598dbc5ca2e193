"""Recovery: all that was missed, or the word that it cannot be had; never a part of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from .wire import connected, named_hub, serving

CHANNEL = "chat:a"


@dataclass(frozen=True)
class Case:
    """Five publications lie in the stream, unless said otherwise; the client was at ``offset``.

    Attributes:
        offset: Where it was.
        recovered: Whether it must recover.
        missed: The offsets that it must get.
        epoch: What it says of the epoch, given the stream's.
        history: How many the stream keeps.
    """

    offset: int
    recovered: bool
    missed: list[int]
    epoch: Callable[[str], str] = lambda epoch: epoch
    history: int = 10
    options: tuple[tuple[str, Any], ...] = ()


TABLE = {
    "missed nothing": Case(5, True, []),
    "missed one": Case(4, True, [5]),
    "missed all, from the beginning": Case(0, True, [1, 2, 3, 4, 5]),
    "epoch empty": Case(3, True, [4, 5], lambda epoch: ""),
    "another epoch": Case(3, False, [], lambda epoch: epoch + "x"),
    "another epoch, at the top": Case(5, False, [], lambda epoch: epoch + "x"),
    "from the future": Case(6, False, []),
    "the oldest that is needed is just there": Case(2, True, [3, 4, 5], history=3),
    "the oldest that is needed is just gone": Case(1, False, [], history=3),
    "all gone but the newest": Case(0, False, [], history=1),
    "too many": Case(1, False, [], options=(("recovery_max_publications", 3),)),
    "just not too many": Case(2, True, [3, 4, 5], options=(("recovery_max_publications", 3),)),
    "too many bytes": Case(0, False, [], options=(("recovery_max_size", 20),)),
    "just not too many bytes": Case(3, True, [4, 5], options=(("recovery_max_size", 30),)),
}


@pytest.mark.parametrize("case", TABLE.values(), ids=list(TABLE))
async def test_stream(encoding: str, case: Case) -> None:
    hub = named_hub(**dict(case.options))
    hub.namespace("chat", history=case.history, ttl=60.0, recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        epoch = (await wire.subscribe(CHANNEL))["epoch"]
        await wire.result(unsubscribe={"channel": CHANNEL})
        for number in range(1, 6):
            await hub.publish(CHANNEL, {"n": number}, tags={"n": str(number)})
        result = await wire.subscribe(CHANNEL, recover=True, offset=case.offset, epoch=case.epoch(epoch))
        assert result.get("recovered", False) is case.recovered
        assert result["was_recovering"] is True
        assert result["epoch"] == epoch
        assert [one["offset"] for one in result.get("publications", [])] == case.missed
        assert [one["data"] for one in result.get("publications", [])] == [{"n": n} for n in case.missed]
        assert [one["tags"] for one in result.get("publications", [])] == [{"n": str(n)} for n in case.missed]
        # The position that was asked for, or the top of the stream where the client must start anew.
        assert result.get("offset", 0) == (case.offset if case.recovered else 5)
        await hub.publish(CHANNEL, {"n": 6})
        assert (await wire.push("pub", CHANNEL))["offset"] == 6


async def test_not_recovering_is_told_nothing_of_it(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("chat", history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.publish(CHANNEL, 1)
        result = await wire.subscribe(CHANNEL)
        assert {"recovered", "was_recovering", "publications"}.isdisjoint(result)
        assert result["offset"] == 1


async def test_state_from_elsewhere_112(encoding: str) -> None:
    """With flag 2 the client wants an error where it cannot recover, and none where it can."""
    hub = named_hub()
    hub.namespace("chat", history=2, ttl=60.0, recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        epoch = (await wire.subscribe(CHANNEL))["epoch"]
        for number in range(4):
            await hub.publish(CHANNEL, number)
        await wire.result(unsubscribe={"channel": CHANNEL})
        request = {"channel": CHANNEL, "recover": True, "epoch": epoch, "flag": 2}
        assert await wire.error(subscribe={**request, "offset": 1}) == 112
        assert (await wire.subscribe(**{**request, "offset": 2}))["recovered"] is True


async def test_history_that_was_removed_cannot_be_recovered(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("chat", history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        epoch = (await wire.subscribe(CHANNEL))["epoch"]
        await hub.publish(CHANNEL, 1)
        await hub.history_remove(CHANNEL)
        await wire.result(unsubscribe={"channel": CHANNEL})
        behind = await wire.subscribe(CHANNEL, recover=True, epoch=epoch)
        assert "recovered" not in behind
        assert (behind["epoch"], behind["offset"]) == (epoch, 1)
        await wire.result(unsubscribe={"channel": CHANNEL})
        assert (await wire.subscribe(CHANNEL, recover=True, offset=1, epoch=epoch))["recovered"] is True


@pytest.mark.parametrize("offset", [0, 1, 2, 3])
async def test_cache_mode_gives_the_newest_alone(encoding: str, offset: int) -> None:
    hub = named_hub()
    hub.namespace("chat", history=10, ttl=60.0, recovery=True, recovery_mode="cache")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        epoch = (await wire.subscribe(CHANNEL))["epoch"]
        for number in range(1, 4):
            await hub.publish(CHANNEL, number)
        await wire.result(unsubscribe={"channel": CHANNEL})
        result = await wire.subscribe(CHANNEL, recover=True, offset=offset, epoch=epoch)
        assert result["recovered"] is True
        newest = [one["data"] for one in result.get("publications", [])]
        assert newest == ([] if offset == 3 else [3])


async def test_cache_mode_also_at_the_first_subscribe(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("chat", history=1, ttl=60.0, recovery=True, recovery_mode="cache")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.publish(CHANNEL, {"n": 1})
        await hub.publish(CHANNEL, {"n": 2})
        result = await wire.subscribe(CHANNEL)
        assert [one["data"] for one in result["publications"]] == [{"n": 2}]
        assert result["recovered"] is True
        await hub.publish(CHANNEL, {"n": 3})
        assert (await wire.push("pub", CHANNEL))["offset"] == 3


async def test_cache_mode_of_an_empty_channel(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("chat", history=1, ttl=60.0, recovery=True, recovery_mode="cache")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        result = await wire.subscribe(CHANNEL, recover=True, epoch="x", offset=1)
        assert "publications" not in result
        assert "recovered" not in result


async def test_server_side_subscription_recovers_on_reconnecting(encoding: str) -> None:
    hub = named_hub(user_personal_channel=True)
    hub.namespace("", history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address:
        async with connected(address, encoding, "42") as wire:
            sub = wire.log[-1]["connect"]["subs"]["#42"]
        await hub.publish("#42", "while you were away")
        position = {"recover": True, "offset": sub.get("offset", 0), "epoch": sub["epoch"]}
        async with connected(address, encoding, "42", subs={"#42": position}) as wire:
            back = wire.log[-1]["connect"]["subs"]["#42"]
            assert back["recovered"] is True
            assert back["was_recovering"] is True
            assert [one["data"] for one in back["publications"]] == ["while you were away"]
            await hub.publish("#42", "and now")
            assert (await wire.push("pub", "#42"))["offset"] == 2


async def test_a_client_cannot_make_subscriptions_by_what_it_says_of_them(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0, recovery=True)
    request: dict[str, Any] = {"secret": {"recover": True}}
    async with serving(hub) as address, connected(address, encoding, "42", subs=request) as wire:
        assert "subs" not in wire.log[-1]["connect"]
        await hub.publish("secret", 1)
        await wire.nothing()
