"""The broker in memory: the contract, and its bounds."""

from __future__ import annotations

import pytest

from openline.hub.brokers.memory import MemoryBroker
from openline.hub.publication import ClientInfo, HistoryOptions, Payload, Publication
from openline.testing import BROKER_CHECKS, FakeClock, check_broker
from openline.testing.broker_stage import KEPT, Heard
from openline.testing.waiting import until


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


def of_size(size: int) -> Publication:
    return Publication(data=Payload(b"x" * size))


async def test_the_stream_used_longest_ago_is_evicted_and_begins_anew() -> None:
    broker = MemoryBroker(max_size=100_000)
    await broker.start(Heard(), "one")
    epochs = {}
    for name in ("a", "b", "c"):
        epochs[name] = (await broker.publish(name, of_size(20_000), history=KEPT)).position.epoch
    await broker.history("a", history=KEPT)  # to read is to use
    await broker.publish("d", of_size(50_000), history=KEPT)
    assert broker.counters["evicted_streams"] == 1
    for name in ("a", "c", "d"):
        assert len((await broker.history(name, history=KEPT))[0]) == 1
    kept, position = await broker.history("b", history=KEPT)
    assert not kept
    assert position.offset == 0
    assert position.epoch != epochs["b"]
    await broker.close()


async def test_a_stream_too_large_alone_loses_its_oldest() -> None:
    broker = MemoryBroker(max_size=100_000)
    heard = Heard()
    await broker.start(heard, "one")
    await broker.subscribe("a")
    for _ in range(10):
        await broker.publish("a", of_size(30_000), history=KEPT)
    kept, position = await broker.history("a", history=KEPT)
    assert [publication.offset for publication in kept] == [8, 9, 10]
    assert position.offset == 10
    await broker.publish("a", of_size(200_000), history=KEPT)
    assert (await broker.history("a", history=KEPT))[1].offset == 11
    assert len(heard.of("a")) == 11  # told all the same
    assert broker.counters["stream_bytes"] <= 100_000
    await broker.close()


async def test_channels_that_are_only_asked_for_are_bounded_too() -> None:
    broker = MemoryBroker(max_size=100_000)
    await broker.start(Heard(), "one")
    for n in range(1000):
        await broker.history(f"c{n}", history=KEPT)
    assert broker.counters["streams"] < 100
    await broker.close()


async def test_the_account_is_even_after_everything() -> None:
    clock = FakeClock()
    broker = MemoryBroker(max_size=50_000, clock=clock)
    await broker.start(Heard(), "one")
    info = ClientInfo(user="u", client="c", conn_info=Payload(b"{}"), chan_info=Payload(b"{}"))
    for n in range(300):
        publication = Publication(
            data=Payload(b"x" * n), info=info, tags={"a": "b"} if n % 2 else None, key="k"
        )
        options = HistoryOptions(1 + n % 7, 10.0 + n % 5, 100.0)
        await broker.publish(f"c{n % 20}", publication, history=options, idempotency_key=f"{n}")
        if n % 50 == 0:
            await broker.remove_history(f"c{n % 20}")
        if n % 90 == 0:
            clock.advance(12.0)
    assert broker.counters["stream_bytes"] == sum(stream.size for stream in broker._streams.values())
    clock.advance(50.0)
    broker._sweep()
    assert not any(stream.publications for stream in broker._streams.values())
    assert broker.counters["streams"] > 0
    clock.advance(400.0)
    broker._sweep()
    assert broker.counters["streams"] == 0
    assert broker.counters["stream_bytes"] == 0
    assert len(broker._keys) == 0
    await broker.close()


async def test_the_sweep_runs_by_itself() -> None:
    clock = FakeClock()
    broker = MemoryBroker(clock=clock)
    await broker.start(Heard(), "one")
    await broker.publish("a", of_size(10), history=HistoryOptions(10, 1.0, 2.0))
    clock.advance(5.0)

    async def swept() -> bool:
        return broker.counters["streams"] == 0

    await until(swept, "the stream is swept")
    await broker.close()


def test_bounds_of_nothing_are_refused() -> None:
    for arguments in ({"max_size": 0}, {"max_keys_size": 0}, {"presence_ttl": 0.0}):
        with pytest.raises(ValueError, match="above 0"):
            MemoryBroker(**arguments)


async def test_an_event_comes_before_publish_returns() -> None:
    broker, heard = MemoryBroker(), Heard()
    await broker.start(heard, "one")
    await broker.subscribe("a")
    publishing = broker.publish("a", of_size(1), history=KEPT)
    with pytest.raises(StopIteration):
        publishing.send(None)
    assert len(heard.of("a")) == 1
    await broker.close()
