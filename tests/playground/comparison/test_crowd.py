"""The crowd: clients of each technique get every message of real servers, and no more of them are there than wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from typing import Any

import pytest

from openline.playground.comparison import crowd as module
from openline.playground.comparison.crowd import Tally, make
from openline.playground.comparison.settings import TECHNIQUES, Settings
from tests.playground.comparison.servers import eventually, serving


@asynccontextmanager
async def crowded(settings: Settings) -> AsyncIterator[tuple[Any, dict[str, Any]]]:
    """A crowd at four servers; gives the crowd, and the servers' roles."""
    async with AsyncExitStack() as stack:
        roles, ports = {}, {}
        for technique in TECHNIQUES:
            roles[technique], ports[technique] = await stack.enter_async_context(serving(technique))
        crowd = make(ports, asdict(settings))
        await crowd.start()
        try:
            yield crowd, roles
        finally:
            clients = [task for running in crowd._running.values() for task in running]
            for task in clients:
                task.cancel()
            if clients:
                await asyncio.wait(clients)


async def until(crowd: Any, wanted: Any) -> dict[str, Any]:
    report: dict[str, Any] = {}

    async def is_so() -> bool:
        report.update(await crowd.obey({}))
        return wanted(report)

    await eventually(is_so)
    return report


async def test_everybody_gets_every_message() -> None:
    async with crowded(Settings(clients=2, every=0.25)) as (crowd, roles):
        await crowd.obey({"do": "start"})
        # The first two are what a client begins with: two clients by the first three techniques get what there is.
        await until(crowd, lambda report: all(report[name]["messages"] == 2 for name in TECHNIQUES[:3]))
        await until(crowd, lambda _: roles["websocket"]._counts.requests == 2)
        for _ in range(5):
            for role in roles.values():
                role._stream.put()
        report = await until(
            crowd,
            lambda report: all(
                report[name]["messages"] >= (10 if name == "websocket" else 12) for name in TECHNIQUES
            ),
        )
        assert {name: report[name]["lost"] for name in TECHNIQUES} == dict.fromkeys(TECHNIQUES, 0)


async def test_the_number_of_clients_follows_the_settings() -> None:
    async with crowded(Settings(clients=3, every=0.25)) as (crowd, roles):
        await crowd.obey({"do": "start"})
        for clients in (1, 4):
            await crowd.obey({"settings": asdict(Settings(clients=clients, every=0.25))})
            assert {len(running) for running in crowd._running.values()} == {clients}
        await until(crowd, lambda report: report["server_sent_events"]["messages"] >= 4)
        assert roles["server_sent_events"]._counts.requests >= 4


async def test_settings_before_the_start_start_nobody() -> None:
    async with crowded(Settings()) as (crowd, _):
        report = await crowd.obey({"settings": asdict(Settings(clients=4))})
        assert not any(crowd._running.values())
        assert report["polling"] == {"messages": 0, "lost": 0, "latencies": None}


async def test_single_questions_are_asked_on_demand() -> None:
    async with crowded(Settings()) as (crowd, _):
        assert set(await crowd.obey({"do": "once"})) == {"get", "get_again", "websocket", "websocket_again"}


async def test_clients_come_back_when_their_connection_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    connections = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        crowd = make(dict.fromkeys(TECHNIQUES, port), asdict(Settings(clients=1, every=0.25)))
        await crowd.obey({"do": "start"})
        await until(crowd, lambda _: connections >= 12)
        clients = [task for running in crowd._running.values() for task in running]
        assert not any(task.done() for task in clients)
        for task in clients:
            task.cancel()
        await asyncio.wait(clients)


def test_gaps_are_lost_messages_and_the_first_is_no_latency() -> None:
    tally = Tally()
    assert tally.take({"n": 5, "at": 0.0}, 0) == 5
    assert tally.latencies == []
    tally.take({"n": 6, "at": 0.0}, 5)
    tally.take({"n": 9, "at": 0.0}, 6)
    tally.take({"n": 1, "at": 0.0}, 9)  # another server's first
    assert (tally.messages, tally.lost, len(tally.latencies)) == (4, 2, 3)


def test_latencies_are_told_once_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LATENCIES", 100)
    tally = Tally()
    for number in range(1, 202):
        tally.take({"n": number, "at": 0.0}, number - 1)
    assert len(tally.latencies) == 100
    tally.latencies = [float(n) for n in range(100)]
    assert tally.report()["latencies"] == [50.0, 99.0]
    assert tally.report()["latencies"] is None
