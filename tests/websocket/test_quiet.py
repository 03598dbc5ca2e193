"""Compressors of quiet connections are dropped, and those of the others are not."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from openline.protocol.extensions.permessage_deflate import PerMessageDeflate
from openline.websocket import quiet

from .pair import pair

pytestmark = pytest.mark.engine

MESSAGE = "what is said again and again " * 10


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "QUIET", 0.05)


def made() -> PerMessageDeflate:
    deflate = PerMessageDeflate(False, False, 12, 12)
    quiet.drop_when_quiet(deflate)
    return deflate


async def test_a_connection_that_was_quiet_goes_on_from_an_empty_window() -> None:
    async with pair() as (server, client):
        assert server.deflate is not None
        await server.send(MESSAGE)
        assert await client.recv() == MESSAGE
        while server.deflate._compressor is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await server.send(MESSAGE)
        assert await client.recv() == MESSAGE


async def test_what_is_used_stays() -> None:
    deflate = made()
    deflate.deflate(b"first", fin=True)
    compressor = deflate._compressor
    sweeper = quiet._sweepers[asyncio.get_running_loop()]
    for _ in range(3):
        deflate.deflate(b"again", fin=True)
        sweeper._sweep()
        assert deflate._compressor is compressor
    sweeper._sweep()
    assert deflate._compressor is None
    assert not sweeper._watched


async def test_nothing_is_dropped_in_the_middle_of_a_message() -> None:
    async with pair() as (server, client):
        gate = asyncio.Event()

        async def pieces():
            yield MESSAGE
            await gate.wait()
            yield MESSAGE

        sending = asyncio.ensure_future(server.send(pieces()))
        receiving = asyncio.ensure_future(client.recv())
        assert server.deflate is not None
        while server.deflate._compressor is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        compressor = server.deflate._compressor
        sweeper = quiet._sweepers[asyncio.get_running_loop()]
        for _ in range(3):
            sweeper._sweep()
        assert server.deflate._compressor is compressor
        gate.set()
        await sending
        assert await receiving == MESSAGE * 2


async def test_a_connection_that_has_gone_is_not_held() -> None:
    deflate = made()
    deflate.deflate(b"first", fin=True)
    gone = weakref.ref(deflate)
    del deflate
    gc.collect()
    assert gone() is None
    sweeper = quiet._sweepers[asyncio.get_running_loop()]
    sweeper._sweep()
    assert not sweeper._watched
