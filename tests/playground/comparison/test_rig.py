"""The rig: six processes, all techniques measured, and none left."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from openline.playground.comparison.figures import Sample
from openline.playground.comparison.processes import ChildFailed
from openline.playground.comparison.rig import Rig
from openline.playground.comparison.settings import TECHNIQUES, Settings
from tests.playground.comparison.servers import MODULE, eventually
from tests.playground.comparison.test_processes import lives

pytestmark = pytest.mark.timeout(90)


def sockets() -> dict[str, socket.socket]:
    return {technique: socket.create_server(("127.0.0.1", 0)) for technique in TECHNIQUES}


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Rig]:
    rig = await Rig.start(sockets(), MODULE, 0, settings)
    pids = rig.pids
    try:
        yield rig
    finally:
        await rig.close()
    assert len(pids) == 6
    assert not [pid for pid in pids if lives(pid)]


async def until(rig: Rig, technique: str, messages: int) -> dict[str, Sample]:
    samples: dict[str, Sample] = {}

    async def is_so() -> bool:
        samples.update(await rig.sample())
        return samples[technique].delivered >= messages

    await eventually(is_so, 60.0)
    return samples


async def test_each_technique_delivers_and_is_measured() -> None:
    async with running(Settings(rate=20.0, size=100, clients=3, every=0.25)) as rig:
        assert rig.software["polling"].startswith("uvicorn ")
        assert rig.software["websocket"].startswith("openline ")
        assert set(rig.once) == {"get", "get_again", "websocket", "websocket_again"}
        for technique in TECHNIQUES:
            await until(rig, technique, 100)
        samples = await rig.sample()
        for technique, sample in samples.items():
            assert sample.sent > 100 * sample.delivered * 0.9, technique
            assert sample.received > 0, technique
            assert sample.lost == 0, technique
            assert sample.cpu > 0, technique
        assert samples["long_polling"].requests > samples["server_sent_events"].requests


async def test_other_settings_hold_from_then_on() -> None:
    async with running(Settings(rate=0.1, size=100, clients=1)) as rig:
        await rig.change(Settings(rate=50.0, size=4000, clients=2, every=0.25))
        before = (await rig.sample())["websocket"]
        after = (await until(rig, "websocket", before.delivered + 20))["websocket"]
        assert after.sent - before.sent > 18 * 4000


async def test_a_process_that_is_killed_is_told() -> None:
    rig = await Rig.start(sockets(), MODULE, 0, Settings(clients=1))
    try:
        os.kill(rig.pids[0], signal.SIGKILL)
        with pytest.raises(ChildFailed):
            await until(rig, "polling", 10**9)
    finally:
        await rig.close()
    assert not [pid for pid in rig.pids if lives(pid)]


async def test_what_cannot_start_leaves_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    given = sockets()
    with pytest.raises(ChildFailed):
        await Rig.start(given, "openline.there_is_none", 0, Settings())
    assert all(sock.fileno() == -1 for sock in given.values())
    assert "there_is_none" in capfd.readouterr().err
