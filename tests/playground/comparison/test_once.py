"""Single questions: their bytes are those that the kernel counts, and a server that hangs up is an error."""

from __future__ import annotations

import asyncio

import pytest

from openline.playground.comparison import once as module
from openline.playground.comparison.once import Socket, measure_once
from tests.playground.comparison.kernel import bytes_of
from tests.playground.comparison.servers import serving


async def test_all_four_ways_are_measured() -> None:
    async with serving("polling") as (_, http), serving("websocket") as (_, line):
        ways = await measure_once({"polling": http, "websocket": line})
    assert list(ways) == ["get", "get_again", "websocket", "websocket_again"]
    assert all(way["milliseconds"] > 0 for way in ways.values())
    assert ways["get"]["bytes"] == ways["get_again"]["bytes"] > 700
    # A masked question of one byte, and an answer of 202 bytes: 2 + 4 + 1 and 4 + 202.
    assert ways["websocket_again"]["bytes"] == 213
    assert ways["websocket"]["bytes"] > 213 + 2 * (2 + 2) + 300


async def test_a_socket_counts_as_the_kernel_does(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, tuple[int, int]]] = []
    close = Socket.close

    async def note_and_close(self: Socket) -> None:
        seen.append((self.bytes, bytes_of(self._writer.get_extra_info("socket"))))
        await close(self)

    monkeypatch.setattr(Socket, "close", note_and_close)
    monkeypatch.setattr(module, "ROUNDS", 2)
    async with serving("polling") as (_, http), serving("websocket") as (_, line):
        await measure_once({"polling": http, "websocket": line})
    assert len(seen) == 6
    # Where the server has closed, its FIN has come, which takes a number like a byte and is counted as one.
    assert {sum(kernel) - counted for counted, kernel in seen} <= {0, 1}


async def test_a_server_that_hangs_up_is_an_error() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(EOFError):
            await measure_once({"polling": port, "websocket": port})
