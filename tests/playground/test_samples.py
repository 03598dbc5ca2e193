"""Samples: each is what its name says, on a real line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from openline import ClientConnection, ServerConnection, connect, serve
from openline.exceptions import ConnectionClosedOK
from openline.playground.samples import CONTROL, TEXTS, send_sample


@asynccontextmanager
async def sampled(*names: object) -> AsyncIterator[ClientConnection]:
    """A line on which the server sends these samples, and then closes."""

    async def handler(ws: ServerConnection) -> None:
        for name in names:
            await send_sample(name, ws, (*TEXTS, *CONTROL))

    async with serve(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}") as line:
            yield line


async def test_fragments_are_one_message() -> None:
    async with sampled("fragments") as line:
        assert json.loads(await line.recv()) == {
            "push": {"message": {"data": "one message in several frames"}}
        }


@pytest.mark.parametrize(("name", "size"), [("medium", 300), ("large", 70_000)])
async def test_lengths_take_sixteen_and_sixty_four_bits_section_5_2(name: str, size: int) -> None:
    async with sampled(name) as line:
        message = await line.recv()
        assert len(message) == size
        assert set(json.loads(message)["push"]["message"]["data"]) == {"."}


async def test_a_ping_is_no_message() -> None:
    async with sampled("ping", "medium") as line:
        assert len(await line.recv()) == 300


async def test_close_closes_in_good_order() -> None:
    async with sampled("close") as line:
        with pytest.raises(ConnectionClosedOK):
            await line.recv()
        assert (line.close_code, line.close_reason) == (1000, "You asked for it")


@pytest.mark.parametrize("name", ["", "nothing", None, 7, ["ping"], {}])
async def test_what_is_no_sample_sends_nothing(name: object) -> None:
    async with sampled(name) as line:
        with pytest.raises(ConnectionClosedOK):
            await line.recv()
