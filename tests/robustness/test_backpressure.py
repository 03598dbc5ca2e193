"""Peers that read slowly or not at all: bounded memory, no harm to others, nothing lost, nothing out of order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from openline import broadcast, exceptions, serve

from ..conformance.lines import QUIET, port_of, upgrade_request
from ..conformance.peer import BINARY, PING, PONG, TEXT, End, Frame, Peer, turn_loop

pytestmark = pytest.mark.engine

SMALL = 4096  # bytes: the smallest buffers that the kernel gives


class Held:
    """A handler that hands its connections to the test."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[Any] = asyncio.Queue()
        self.done = asyncio.Event()

    async def __call__(self, ws: Any) -> None:
        self.connections.put_nowait(ws)
        await self.done.wait()


@contextlib.asynccontextmanager
async def holding(**options: Any) -> AsyncIterator[tuple[int, Held]]:
    """A server whose connections have tiny send buffers."""
    held = Held()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        async with serve(held, sock=listener, **(QUIET | options)) as server:
            try:
                yield port_of(server), held
            finally:
                held.done.set()
                server.close()


async def opened(port: int, held: Held, *, receive_buffer: int | None = SMALL) -> tuple[Peer, Any]:
    peer = await Peer.dial(port, receive_buffer=receive_buffer)
    await peer.send(upgrade_request())
    await peer.read_head()
    return peer, await held.connections.get()


@pytest.mark.parametrize("size", [10, 5000, 300_000])
async def test_partial_writes_lose_nothing_and_keep_the_order(size: int) -> None:
    """Every write is partial: 1 MB leaves through a send buffer of 4 KiB, in pieces that cut frames anywhere."""
    count = 1_000_000 // size if size > 10 else 3000
    async with holding() as (port, held):
        peer, ws = await opened(port, held)
        payloads = [b"%09d" % number + b"." * (size - 9) for number in range(count)]

        async def send() -> None:
            for payload in payloads:
                await ws.send(payload)

        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            for payload in payloads:
                await peer.expect(BINARY, payload)
        peer.close()


async def test_send_waits_while_the_peer_does_not_read() -> None:
    async with holding(write_limit=10_000) as (port, held):
        peer, ws = await opened(port, held)
        sent = 0

        async def send() -> None:
            nonlocal sent
            while True:
                await ws.send(b"." * 1000)
                sent += 1

        sending = asyncio.ensure_future(send())
        before = -1
        while before != sent or sent == 0:  # until it has come to a stand
            before = sent
            await asyncio.sleep(0.05)
        # What one turn of the loop sends is laid together first, up to 64 KiB.
        assert ws.transport.get_write_buffer_size() <= 10_000 + 2**16 + 2000
        for _ in range(sent):
            await peer.expect(BINARY, b"." * 1000)
        await turn_loop()
        assert sent > before, "it goes on once the peer reads"
        sending.cancel()
        await asyncio.wait([sending])
        peer.close()


async def test_max_unsent_bounds_what_is_queued_for_a_peer_that_does_not_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """`send_nowait` and `broadcast` do not wait: what would pass the bound aborts that connection, and no other."""
    async with holding(max_unsent=500_000) as (port, held):
        stuck, stuck_ws = await opened(port, held)
        fine, fine_ws = await opened(port, held, receive_buffer=None)
        reading = asyncio.ensure_future(_count_frames(fine, 200))
        for number in range(200):
            broadcast([stuck_ws, fine_ws], b"%06d" % number + b"." * 10_000)
            await turn_loop()
            assert stuck_ws.transport.get_write_buffer_size() <= 500_000
        assert await reading == 200
        await stuck_ws.wait_closed()
        with pytest.raises(exceptions.ConnectionClosedError):
            await stuck_ws.send("too late")
        assert [record.levelname for record in caplog.records if "does not read" in record.getMessage()] == [
            "WARNING"
        ]
        stuck.close()
        fine.close()


async def _count_frames(peer: Peer, count: int) -> int:
    for number in range(count):
        frame = await peer.receive()
        assert isinstance(frame, Frame)
        assert frame.payload[:6] == b"%06d" % number
    return count


async def test_a_full_queue_stops_reading_and_loses_nothing() -> None:
    """Nobody receives: the kernel's buffers fill up, and the peer's writes stop. Then all arrives, in order."""
    async with holding(max_queue=4) as (port, held):
        peer, ws = await opened(port, held)
        written = 0

        async def flood() -> None:
            nonlocal written
            for number in range(3000):
                await peer.send_frame(BINARY, b"%06d" % number + b"." * 4000)
                written += 1

        flooding = asyncio.ensure_future(flood())
        before = -1
        while before != written or written == 0:
            before = written
            await asyncio.sleep(0.05)
        assert written < 3000, "somebody holds 12 MB"
        for number in range(3000):
            assert (await ws.recv())[:6] == b"%06d" % number
        await flooding
        peer.close()


async def test_the_others_go_on_while_peers_do_not_read() -> None:
    async with holding(write_limit=1000) as (port, held):
        stuck = [await opened(port, held) for _ in range(10)]
        senders = [asyncio.ensure_future(_send_for_ever(ws)) for _, ws in stuck]
        peer, ws = await opened(port, held, receive_buffer=None)
        for number in range(500):
            await peer.send_frame(TEXT, b"%d" % number)
            assert await ws.recv() == str(number)
            await ws.send(str(number))
            await peer.expect(TEXT, b"%d" % number)
        assert not any(sender.done() for sender in senders)
        for sender in senders:
            sender.cancel()
        await asyncio.wait(senders)
        for other in (peer, *(peer for peer, _ in stuck)):
            other.close()


async def _send_for_ever(ws: Any) -> None:
    while True:
        await ws.send(b"." * 10_000)


@pytest.mark.parametrize("blocked", [False, True], ids=["free", "blocked"])
async def test_send_send_nowait_and_broadcast_keep_the_order_of_the_calls(blocked: bool) -> None:
    """Whichever way a message takes: corked, queued, shared with others, or as a task that waits."""
    async with holding() as (port, held):
        peer, ws = await opened(port, held, receive_buffer=SMALL if blocked else None)
        reading = asyncio.ensure_future(_count_frames(peer, 1200))
        if not blocked:
            await turn_loop()
        for number in range(0, 1200, 4):
            ws.send_nowait(b"%06d" % number + b"." * (500 if blocked else 5))
            broadcast([ws], b"%06d" % (number + 1) + b"." * (number % 700))
            await ws.send(b"%06d" % (number + 2))
            ws.send_nowait(b"%06d" % (number + 3) + b"." * (5000 if number % 100 == 0 else 0))
        assert await reading == 1200
        peer.close()


async def test_a_ping_overtakes_a_full_queue_at_a_frame_boundary() -> None:
    async with holding(max_unsent=None) as (port, held):
        peer, ws = await opened(port, held)
        for number in range(300):
            ws.send_nowait(b"%06d" % number + b"." * 10_000)
        pong = await ws.ping(b"first of all")
        position = 0
        while (frame := await peer.receive()).opcode != PING:  # type: ignore[union-attr]
            position += 1
        assert position < 299, "it came behind the whole queue"
        await peer.send_frame(PONG, b"first of all")
        rest = 300 - position
        for _ in range(rest):
            frame = await peer.receive()
            assert isinstance(frame, Frame)
            assert frame.opcode == BINARY
        await pong
        peer.close()


async def test_closing_leaves_behind_what_was_queued() -> None:
    """The Close frame is the last of a long queue, and TCP ends behind it without a reset."""
    async with holding() as (port, held):
        peer, ws = await opened(port, held)
        for number in range(100):
            ws.send_nowait(b"%06d" % number + b"." * 10_000)
        closing = asyncio.ensure_future(_close(ws))
        assert await _count_frames(peer, 100) == 100
        await peer.expect_close(1000)
        await peer.send_close(1000)
        await peer.expect_end(End.FIN)
        peer.close()
        await closing


async def _close(ws: Any) -> None:
    await ws.close()
