"""Comparison: begun when somebody looks, one for all, ended by itself; no process is left."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from openline import ClientConnection, connect, serve
from openline.exceptions import ConnectionClosedError
from openline.playground.comparison import run as module
from openline.playground.comparison.run import Comparison
from openline.playground.comparison.settings import TECHNIQUES
from openline.websocket.http import HTTPRequest
from tests.playground.comparison.servers import MODULE, eventually
from tests.playground.comparison.test_processes import lives

pytestmark = pytest.mark.timeout(90)


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Comparison, str]]:
    """A comparison that pages may watch at the address."""
    comparison = Comparison("127.0.0.1", techniques=MODULE)
    job = asyncio.create_task(comparison.run())
    async with serve(comparison.show, "127.0.0.1", 0) as server:
        yield comparison, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    pids = comparison.pids
    job.cancel()
    await asyncio.wait([job])
    assert not [pid for pid in pids if lives(pid)]


async def hear(ws: ClientConnection, kind: str, **fields: object) -> dict[str, Any]:
    """The next message of this type with these fields."""
    while True:
        message = json.loads(await ws.recv())
        if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
            return message


async def test_it_runs_while_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINGER", 0.0)
    async with running() as (comparison, address):
        assert comparison.pids == []
        async with connect(address) as one, connect(address) as other:
            hello = await hear(one, "hello")
            assert set(hello["ports"]) == set(TECHNIQUES)
            request: HTTPRequest = None  # type: ignore[assignment]
            assert comparison.sources(request) == {"connect-src": tuple(hello["ports"].values())}
            phase = await hear(one, "phase", phase="running")
            assert set(phase["software"]) == set(TECHNIQUES)
            pids = comparison.pids
            assert len(pids) == 6
            await one.send(json.dumps({"set": {"clients": 1, "rate": 20}}))
            settings = (await hear(other, "settings"))["settings"]
            assert (settings["clients"], settings["rate"]) == (1, 20.0)
            while True:
                told = await hear(other, "figures")
                if len(told["verdicts"]) == 8:
                    break
            assert set(told["figures"]) == set(TECHNIQUES)
            assert comparison.pids == pids  # it is the same one

        async def is_over() -> bool:
            return not comparison.pids

        await eventually(is_over)
        assert not [pid for pid in pids if lives(pid)]


async def test_it_stops_by_itself_and_goes_on_when_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DURATION", 0.5)
    async with running() as (comparison, address), connect(address) as ws:
        await hear(ws, "phase", phase="running")
        assert (await hear(ws, "phase", phase="stopped"))["why"] == "the time is up"
        assert comparison.pids == []
        await ws.send(json.dumps({"run": True}))
        await hear(ws, "phase", phase="running")


async def test_a_process_that_is_lost_stops_it_and_is_said() -> None:
    async with running() as (comparison, address), connect(address) as ws:
        await hear(ws, "phase", phase="running")
        os.kill(comparison.pids[0], signal.SIGKILL)
        stopped = await hear(ws, "phase", phase="stopped")
        assert "has ended" in stopped["why"]
        await ws.send(json.dumps({"run": True}))
        await hear(ws, "phase", phase="running")


@pytest.mark.parametrize(
    "wish", ["", "[", "[]", "1", '"set"', '{"set":1}', '{"run":1}', '{"clock":"x"}', "[" * 10_000, b"\xff"]
)
async def test_what_is_no_wish_is_passed_over(wish: str | bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DURATION", 0.0)  # it never begins
    async with running() as (comparison, address), connect(address) as ws:
        await ws.send(wish)
        await ws.send(json.dumps({"clock": 17.5}))
        clock = await hear(ws, "clock")
        assert clock["sent"] == 17.5
        assert clock["at"] > 1.7e12
        assert comparison.pids == []


async def test_pages_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DURATION", 0.0)
    monkeypatch.setattr(module, "MAX_WATCHERS", 1)
    async with running() as (_, address), connect(address) as first:
        await hear(first, "hello")
        async with connect(address) as second:
            with pytest.raises(ConnectionClosedError) as closed:
                await second.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013


async def test_a_port_that_was_taken_stops_it_and_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(_: object) -> None:
        raise OSError("the port is taken")

    monkeypatch.setattr("openline.playground.ports.ReservedPort.open", taken)
    async with running() as (_, address), connect(address) as ws:
        assert (await hear(ws, "phase", phase="stopped", why="the port is taken"))["phase"] == "stopped"
