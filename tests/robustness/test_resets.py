"""Peers that vanish: by a reset or a FIN, in every state of a connection, while we read, write or wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openline import exceptions, serve

from ..conformance.lines import QUIET, Side, keep_silent, opened, port_of, upgrade_request
from ..conformance.peer import CONT, TEXT, Peer, turn_loop

pytestmark = pytest.mark.engine

SIDES = pytest.mark.parametrize("side", ["server", "client"])
HOWS = pytest.mark.parametrize("how", ["reset", "fin"])


def leave(peer: Peer, how: str) -> None:
    if how == "reset":
        peer.reset()
    else:
        peer.close()


async def survives(server: Any) -> None:
    """The server still serves."""
    peer = await Peer.dial(port_of(server))
    await peer.send(upgrade_request())
    assert (await peer.read_head()).startswith(b"HTTP/1.1 101 ")
    await peer.send_frame(TEXT, b"alive")
    await peer.expect(TEXT, b"alive")
    peer.close()


async def echo(ws: Any) -> None:
    async for message in ws:
        await ws.send(message)


@HOWS
@pytest.mark.parametrize("sent", [0, 1, 40, len(upgrade_request()) - 1, len(upgrade_request())])
async def test_a_peer_that_vanishes_in_its_opening_handshake(how: str, sent: int) -> None:
    async with serve(echo, "127.0.0.1", 0, **QUIET) as server:
        for _ in range(10):
            peer = await Peer.dial(port_of(server))
            await peer.send(upgrade_request()[:sent])
            leave(peer, how)
        await survives(server)


@SIDES
@HOWS
@pytest.mark.parametrize("state", ["idle", "in a header", "in a frame", "in a message", "with echoes unread"])
async def test_a_peer_that_vanishes_while_open(side: Side, how: str, state: str) -> None:
    async with opened(side) as line:
        frame = line.peer.frame(TEXT, b"x" * 1000)
        sent = {
            "idle": b"",
            "in a header": frame[:1],
            "in a frame": frame[:500],
            "in a message": line.peer.frame(TEXT, b"x", fin=False) + line.peer.frame(CONT, b"y", fin=False),
            "with echoes unread": frame * 20,
        }[state]
        await line.peer.send(sent)
        leave(line.peer, how)
        assert (await line.app.ended())[0] == 1006


@SIDES
@HOWS
async def test_a_peer_that_vanishes_in_the_closing_handshake(side: Side, how: str) -> None:
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        closing = asyncio.ensure_future(_completed(ws.close(1000)))
        await line.peer.expect_close(1000)
        leave(line.peer, how)
        await closing
        assert (await line.app.ended())[0] == 1006


@SIDES
async def test_a_peer_that_resets_after_its_close_frame(side: Side) -> None:
    async with opened(side) as line:
        await line.peer.send_close(1000, "bye")
        await line.peer.expect_close(1000)
        line.peer.reset()
        assert await line.app.ended() == (1000, "bye")


@HOWS
async def test_a_peer_that_vanishes_while_we_wait_to_send(how: str) -> None:
    """`send` waits above the high-water mark: the end wakes it."""
    sending: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def flood(ws: Any) -> None:
        try:
            while True:
                await ws.send(b"." * 100_000)
        except exceptions.ConnectionClosedError as error:
            sending.set_result(str(error))

    async with serve(flood, "127.0.0.1", 0, **QUIET) as server:
        peer = await Peer.dial(port_of(server), receive_buffer=4096)
        await peer.send(upgrade_request())
        await peer.read_head()
        leave(peer, how)
        await sending


@HOWS
async def test_many_peers_that_vanish_at_once(how: str) -> None:
    over: list[int] = []

    async def handler(ws: Any) -> None:
        try:
            await echo(ws)
        except exceptions.ConnectionClosedError:
            over.append(1)

    async with serve(handler, "127.0.0.1", 0, **QUIET) as server:
        peers = [await Peer.dial(port_of(server)) for _ in range(100)]
        for peer in peers:
            await peer.send(upgrade_request())
            await peer.read_head()
        for peer in peers:
            leave(peer, how)
        while len(over) < 100:  # noqa: ASYNC110 - the test's time limit ends it
            await asyncio.sleep(0.001)
        await turn_loop()
        assert not server.connections


async def _completed(awaitable: Any) -> Any:
    return await awaitable
