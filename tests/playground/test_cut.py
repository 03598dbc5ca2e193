"""Cuts: which lines are reset, and for how long a page stays out, and how a reset is felt."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from openline import ServerConnection, serve
from openline.playground.cut import MAX_CUTS, REFUSED_FOR, Cuts, reset
from openline.testing import FakeClock


def test_a_page_that_was_not_cut_is_not_refused() -> None:
    assert Cuts().refused_for("page") == 0.0


def test_a_page_without_lines_can_be_cut_too_and_comes_back_after_a_while() -> None:
    clock = FakeClock()
    cuts = Cuts(clock)
    assert cuts.cut("page") == 0
    assert cuts.refused_for("page") == REFUSED_FOR
    clock.advance(REFUSED_FOR - 1)
    assert cuts.refused_for("page") == 1.0
    clock.advance(1)
    assert cuts.refused_for("page") == 0.0


def test_of_too_many_pages_the_first_come_back_early() -> None:
    cuts = Cuts(FakeClock())
    for number in range(MAX_CUTS + 1):
        cuts.cut(str(number))
    assert cuts.refused_for("0") == 0.0
    assert cuts.refused_for("1") == REFUSED_FOR


def test_a_page_that_is_cut_again_stays_out_longer() -> None:
    clock = FakeClock()
    cuts = Cuts(clock)
    cuts.cut("page")
    clock.advance(3)
    cuts.cut("page")
    assert cuts.refused_for("page") == REFUSED_FOR


async def test_a_reset_is_no_end_in_good_order() -> None:
    """RST, and no FIN: what reads on the other side fails, instead of coming to an end."""

    async def handler(ws: ServerConnection) -> None:
        reset(ws)
        await ws.wait_closed()

    async with serve(handler, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()
