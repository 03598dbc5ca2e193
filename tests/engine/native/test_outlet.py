"""The writing half of a connection: cork, queue, frame boundaries, marks and ends."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from openline.engine.native.line import Line
from openline.protocol.frames import Opcode
from openline.protocol.states import State
from tests.engine.native.bare import (
    Bare,
    ClientBare,
    RawBare,
    fill,
    frame,
    frames_of,
    narrow_pair,
    opened,
    read_exactly,
    read_frames,
    read_to_end,
    turns_until,
)

pytestmark = [pytest.mark.native, pytest.mark.timeout(6)]

LINGER_NOT = b"\1\0\0\0\0\0\0\0"  # close() resets the connection


def wire(*payloads: bytes | str) -> bytes:
    """Frames as a server sends them."""
    return b"".join(frame(payload, mask=None) for payload in payloads)


def nothing_came(peer: socket.socket) -> bool:
    try:
        peer.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    return False


# -- the cork


async def test_small_frames_wait_in_the_cork_and_leave_together() -> None:
    async with opened() as (line, peer):
        for number in range(100):
            assert line.send_nowait(str(number)) == 0
        assert nothing_came(peer)
        await asyncio.sleep(0)
        assert peer.recv(65536) == wire(*(str(number) for number in range(100)))


async def test_flush_empties_the_cork_now() -> None:
    async with opened() as (line, peer):
        line.send_nowait("now")
        line.flush()
        assert peer.recv(100) == wire("now")
        line.flush()
        assert nothing_came(peer)


async def test_flush_leaves_the_cork_of_another_connection_alone() -> None:
    async with opened() as (line, peer), opened() as (other, _):
        line.send_nowait("corked")
        other.flush()
        assert nothing_came(peer)


async def test_the_cork_changes_hands_and_each_gets_its_own_bytes_in_order() -> None:
    async with opened() as (line, peer), opened() as (other, opposite):
        for number in range(50):
            line.send_nowait(f"a{number}")
            other.send_nowait(f"b{number}")
        # The owner before has lost the cork, and its bytes have left.
        expected = wire(*(f"a{number}" for number in range(50)))
        assert await read_exactly(peer, len(expected)) == expected
        expected = wire(*(f"b{number}" for number in range(50)))
        assert await read_exactly(opposite, len(expected)) == expected


async def test_a_full_cork_leaves_at_once_and_nothing_is_lost() -> None:
    async with opened(Bare(write_high=2**20)) as (line, peer):
        payloads = [bytes([number]) * 3000 for number in range(100)]
        for payload in payloads:
            line.send_nowait(payload)
        assert not nothing_came(peer)
        expected = wire(*payloads)
        assert await read_exactly(peer, len(expected)) == expected


@pytest.mark.parametrize("size", [8187, 8188, 8189, 65535, 65536, 70000])
async def test_frames_too_large_for_the_cork_keep_their_place(size: int) -> None:
    async with opened() as (line, peer):
        payloads = [b"before", b"x" * size, b"after", b"y" * size, b"end"]
        for payload in payloads:
            line.send_nowait(payload)
        expected = wire(*payloads)
        assert await read_exactly(peer, len(expected)) == expected


async def test_what_a_handler_sent_leaves_although_it_raises() -> None:
    """Or the next connection would get these bytes."""

    class Raising:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            ws.send_nowait(f"answer to {message!r}")
            raise LookupError

    async with (
        opened(Bare(listener=Raising())) as (line, peer),
        opened(Bare(listener=Raising())) as (_, other),
    ):
        peer.send(frame("a"))
        other.send(frame("b"))
        assert await read_frames(peer, 1) == [(Opcode.TEXT, b"answer to 'a'")]
        assert await read_frames(other, 1) == [(Opcode.TEXT, b"answer to 'b'")]
        assert line.noted("callback failed")


async def test_what_a_handler_corked_is_dropped_when_it_aborts() -> None:
    class Aborting:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            ws.send_nowait("dropped")
            ws.abort()

    class Answering:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            ws.send_nowait("mine")

    async with (
        opened(Bare(listener=Aborting())) as (line, peer),
        opened(Bare(listener=Answering())) as (_, other),
    ):
        peer.send(frame("a"))
        other.send(frame("b"))
        assert await read_frames(other, 1) == [(Opcode.TEXT, b"mine")]
        await line.until("lost")
        assert nothing_came(other)
        with pytest.raises(ConnectionResetError):  # bytes were lost: the peer is told by a reset
            await read_to_end(peer)


# -- partial writes


@pytest.mark.parametrize(
    "sizes", [[1, 5, 125], [126, 1000, 8000], [65535, 65536, 100_000], [100_000, 3, 100_000, 9000, 1]]
)
@pytest.mark.parametrize("kind", [Bare, ClientBare])
async def test_a_stream_through_tiny_buffers_is_whole(kind: type[Bare], sizes: list[int]) -> None:
    line: Any = kind(write_high=2**24)
    async with opened(line, narrow_pair()) as (line, peer):
        payloads = [bytes([65 + number % 26]) * sizes[number % len(sizes)] for number in range(60)]
        for number, payload in enumerate(payloads):
            line.send_nowait(payload if number % 3 else bytearray(payload))
        if sum(sizes) > 9000:
            assert line.unsent
        assert await read_frames(peer, len(payloads)) == [(Opcode.BINARY, payload) for payload in payloads]
        assert line.unsent == 0
        assert nothing_came(peer)


async def test_bytes_that_wait_are_counted() -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        sent = len(await fill(line))
        before = line.unsent
        assert 0 < before < sent
        assert line.send_nowait(b"x" * 100) == before + 102
        assert line.unsent == before + 102
        await read_exactly(peer, sent + 102)
        assert line.unsent == 0


async def test_a_mutable_message_is_copied_before_send_nowait_returns() -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        sent = len(await fill(line))
        message = bytearray(b"a" * 50_000)
        line.send_nowait(message)
        line.send_nowait(memoryview(message))
        message[:] = b"b" * 50_000
        await read_exactly(peer, sent)
        assert await read_frames(peer, 2) == [(Opcode.BINARY, b"a" * 50_000)] * 2


async def test_taken_counts_what_the_peers_tcp_has_acknowledged() -> None:
    async with opened() as (line, peer):
        start = line.taken
        line.send_nowait(b"x" * 1000)
        line.flush()
        await read_exactly(peer, 1004)
        await turns_until(lambda: line.taken >= start + 1004)  # loopback acknowledges in its own time
        assert line.taken == start + 1004


# -- urgent frames


PING = frame("ping", opcode=Opcode.PING, mask=None)
PONG = frame("pong", opcode=Opcode.PONG, mask=None)
URGENT = [(Opcode.PING, b"ping"), (Opcode.PONG, b"pong")]


def large(line: Any) -> list[bytes]:
    """Payloads in bytes objects, referred to by the queue."""
    payloads = [bytes([97 + number]) * 60_000 for number in range(5)]
    for payload in payloads:
        line.send_nowait(payload)
    return payloads


def small(line: Any) -> list[bytes]:
    """Payloads gathered in pieces."""
    payloads = [b"%05d" % number * 30 for number in range(3000)]
    for payload in payloads:
        line.send_nowait(bytearray(payload))
    return payloads


def mixed(line: Any) -> list[bytes]:
    """Gathered frames, among them the headers of those that are referred to."""
    payloads = [
        bytes([97 + number % 26]) * (100, 20_000, 3, 7000, 0, 9000)[number % 6] for number in range(40)
    ]
    for payload in payloads:
        line.send_nowait(payload)
    return payloads


def whole_frames(line: Any) -> list[bytes]:
    """Frames that come whole, header included, from above."""
    payloads = [bytes([97 + number]) * (30_000 if number % 2 else 40) for number in range(10)]
    for payload in payloads:
        line._queue_frames(frame(payload, mask=None))
    return payloads


def shared(line: Any) -> list[bytes]:
    """A broadcast: frames that many connections refer to."""
    payloads = [bytes([97 + number]) * (30_000 if number % 2 else 40) for number in range(10)]
    for payload in payloads:
        Line.fan_out([line], frame(payload, mask=None))
    return payloads


QUEUES = [large, small, mixed, whole_frames, shared]


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("reads", [0, 1, 3000, 33_333, 61_000, 100_000])
async def test_section_5_5_urgent_frames_leave_at_the_next_boundary(queue: Any, reads: int) -> None:
    """However the queue is made up, and wherever in a frame the kernel stopped."""
    async with opened(Bare(write_high=2**24), narrow_pair()) as (line, peer):
        payloads = queue(line)
        assert line.unsent
        received = await read_exactly(peer, reads)
        await turns_until(lambda: line.unsent or not reads)
        in_kernel_and_read = len(wire(*payloads)) - line.unsent
        line._queue_urgent(Opcode.PING, PING)
        line._queue_urgent(Opcode.PONG, PONG)
        received += await read_exactly(peer, len(wire(*payloads)) + len(PING + PONG) - reads)
        found = frames_of(received)
        # Everything is there, in the order of the calls but for the urgent ones.
        assert [payload for opcode, payload in found if opcode is Opcode.BINARY] == payloads
        assert [one for one in found if one[0] is not Opcode.BINARY] == URGENT
        # The boundary: that of the frame of which a part had left when the ping was queued.
        position = received.index(PING + PONG)
        boundaries = [0]
        for payload in payloads:
            boundaries.append(boundaries[-1] + len(wire(payload)))
        assert position == next(boundary for boundary in boundaries if boundary >= in_kernel_and_read)
        assert nothing_came(peer)


@pytest.mark.parametrize("count", [1, 10, 400])
async def test_section_5_5_urgent_frames_after_a_cork_of_which_half_has_left(count: int) -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        # The kernel's buffer is nearly full, so that it takes a part of the cork.
        start = await fill(line)
        received = await read_exactly(peer, len(start))
        payloads = [b"%04d" % number * 30 for number in range(count)]
        while True:
            for payload in payloads:
                line.send_nowait(payload)
            line.flush()
            if line.unsent:
                break
            start += wire(*payloads)
        start += wire(*payloads)
        line._queue_urgent(Opcode.PING, PING)
        received += await read_exactly(peer, len(start) + len(PING) - len(received))
        found = frames_of(received)
        assert received.replace(PING, b"") == start
        assert [payload for opcode, payload in found if opcode is Opcode.PING] == [b"ping"]


async def test_section_5_5_3_only_the_newest_of_an_opcode_waits() -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        sent = len(await fill(line))
        for number in range(5):
            line._queue_urgent(Opcode.PONG, frame(f"pong {number}", opcode=Opcode.PONG, mask=None))
            line._queue_urgent(Opcode.PING, frame(f"ping {number}", opcode=Opcode.PING, mask=None))
        newest = [(Opcode.PONG, b"pong 4"), (Opcode.PING, b"ping 4")]
        received = await read_exactly(peer, sent + 2 * len(frame("pong 4", mask=None)))
        assert [one for one in frames_of(received) if one[0] is not Opcode.BINARY] == newest


async def test_urgent_frames_keep_the_order_of_the_calls_while_nothing_is_queued() -> None:
    async with opened() as (line, peer):
        line.send_nowait("before")
        line._queue_urgent(Opcode.PING, PING)
        line.send_nowait("after")
        assert await read_frames(peer, 3) == [
            (Opcode.TEXT, b"before"),
            (Opcode.PING, b"ping"),
            (Opcode.TEXT, b"after"),
        ]


async def test_urgent_frames_overtake_again_and_again() -> None:
    """Each at its own boundary, with pieces of pieces in the queue."""
    async with opened(Bare(write_high=2**24), narrow_pair()) as (line, peer):
        payloads = small(line) + mixed(line) + large(line)
        received = b""
        pings = 0
        while line.unsent:
            ping = frame(f"{pings:04}", opcode=Opcode.PING, mask=None)
            line._queue_urgent(Opcode.PING, ping)
            pings += 1
            waiting = line.unsent
            while line.unsent == waiting:
                received += await asyncio.get_running_loop().sock_recv(peer, 5000)
        line.half_close()
        found = frames_of(received + await read_to_end(peer))
        assert [payload for opcode, payload in found if opcode is Opcode.BINARY] == payloads
        # Some were replaced by a newer one before they came to a boundary; the last one was not. One that found the
        # queue empty went into the cork, and may be overtaken there itself.
        arrived = [int(payload) for opcode, payload in found if opcode is Opcode.PING]
        assert len(set(arrived)) == len(arrived) > 10
        assert pings - 1 in arrived


async def test_a_ping_does_not_get_into_the_http_response_that_is_still_queued() -> None:
    class Upgrading(RawBare):
        def _connection_made(self) -> None:
            self.begin_raw(self)
            self.write_raw(b"h" * 300_000)
            self.state = State.OPEN
            self.begin_frames()

    async with opened(Upgrading(), narrow_pair()) as (line, peer):
        assert line.unsent
        line.send_nowait("message")
        line._queue_urgent(Opcode.PING, PING)
        assert await read_exactly(peer, 300_000) == b"h" * 300_000
        assert await read_frames(peer, 2) == [(Opcode.PING, b"ping"), (Opcode.TEXT, b"message")]


# -- marks and bounds


async def test_drained_comes_once_after_the_high_mark_at_the_low_one() -> None:
    async with opened(Bare(write_high=50_000, write_low=10_000), narrow_pair()) as (line, peer):
        unsent: list[int] = []
        line._drained = lambda: unsent.append(line.unsent)
        sent = len(await fill(line))
        line.send_nowait(b"x" * 100_000)
        assert line.unsent > 50_000
        await read_exactly(peer, sent + len(wire(b"x" * 100_000)))
        assert len(unsent) == 1
        assert unsent[0] <= 10_000


async def test_drained_does_not_come_below_the_high_mark() -> None:
    async with opened(Bare(write_high=2**20), narrow_pair()) as (line, peer):
        await read_exactly(peer, len(await fill(line)))
        assert line.unsent == 0
        assert not line.noted("drained")


async def test_max_unsent_is_judged_after_the_kernel_was_asked() -> None:
    """A message larger than the bound that the kernel takes whole harms nobody."""
    async with opened(Bare(max_unsent=1000)) as (line, peer):
        line.send_nowait(b"x" * 50_000)
        assert line.unsent == 0
        assert await read_frames(peer, 1) == [(Opcode.BINARY, b"x" * 50_000)]
        assert not line.noted("overrun")


async def test_max_unsent_send_nowait_into_an_empty_queue_that_passes_it() -> None:
    async with opened(Bare(max_unsent=100_000), narrow_pair()) as (line, _):
        line.send_nowait(b"x" * 5_000_000)
        assert line.noted("overrun")


async def test_max_unsent_an_awaited_send_into_an_empty_queue_never_passes_it() -> None:
    async with opened(Bare(max_unsent=100_000), narrow_pair()) as (line, peer):
        task = asyncio.create_task(line.send(b"x" * 5_000_000))
        assert await read_frames(peer, 1) == [(Opcode.BINARY, b"x" * 5_000_000)]
        await task
        assert not line.noted("overrun")


@pytest.mark.parametrize("awaited", [True, False])
async def test_max_unsent_behind_unsent_bytes_is_for_all(awaited: bool) -> None:
    async with opened(Bare(max_unsent=300_000), narrow_pair()) as (line, _):
        first = asyncio.create_task(line.send(b"x" * 5_000_000))
        await asyncio.sleep(0)
        assert line.unsent > 300_000
        assert not line.noted("overrun")
        if awaited:
            second = asyncio.create_task(line.send(b"y"))
            await asyncio.wait([second])
        else:
            line.send_nowait(b"y")
        assert line.noted("overrun")
        await asyncio.wait([first])
        assert first.exception() is not None


async def test_max_unsent_exactly_is_not_over() -> None:
    async with opened(Bare(max_unsent=200_000), narrow_pair()) as (line, _):
        await fill(line)
        line.send_nowait(b"x" * (200_000 - line.unsent - 10 - 2 - 4))  # three headers and the "ab"
        line.send_nowait(b"")
        line.send_nowait(b"ab")
        assert line.unsent == 200_000
        assert not line.noted("overrun")
        line.send_nowait(b"")
        assert line.noted("overrun")


async def test_max_unsent_holds_for_what_was_corked() -> None:
    async with opened(Bare(max_unsent=30_000, write_high=2**20), narrow_pair()) as (line, _):
        for _ in range(4000):  # the kernel takes a part, whatever its buffers are
            line.send_nowait(b"x" * 1000)
            if line.state is not State.OPEN:
                break
        assert line.noted("overrun")


@pytest.mark.parametrize("size", [500, 20_000])
async def test_max_unsent_holds_for_fan_out(size: int) -> None:
    async with opened(Bare(max_unsent=30_000), narrow_pair()) as (line, _):
        shared_frame = wire(b"x" * size)
        for _ in range(4000):
            Line.fan_out([line], shared_frame)
            if line.state is not State.OPEN:
                break
            assert line.unsent <= 30_000
        assert len(line.noted("overrun")) == 1


# -- fan-out


@pytest.mark.parametrize("size", [10, 8190, 8192, 8193, 30_000, 3_000_000])
async def test_fan_out_reaches_every_line_in_its_own_order(size: int) -> None:
    """Those with room, those with bytes in the cork, those with a queue, and those that take a part."""
    payload = b"x" * size
    async with (
        opened() as (free, free_peer),
        opened() as (corked, corked_peer),
        opened(pair=narrow_pair()) as (full, full_peer),
        opened(pair=narrow_pair()) as (narrow, narrow_peer),
    ):
        queued = await fill(full)
        corked.send_nowait("corked")
        Line.fan_out([free, corked, full, narrow], wire(payload))
        for line in (free, corked, full, narrow):
            line.send_nowait("after")
        end = wire(payload, "after")
        for peer, before in (
            (free_peer, b""),
            (corked_peer, wire("corked")),
            (full_peer, queued),
            (narrow_peer, b""),
        ):
            assert await read_exactly(peer, len(before + end)) == before + end


async def test_fan_out_to_a_line_that_stands_twice_sends_twice_and_counts_twice() -> None:
    async with opened() as (line, peer), opened(pair=narrow_pair()) as (full, slow):
        expected = await fill(full)
        before = line.written, full.written
        Line.fan_out([line, full, line, full, line], wire("hello"))
        Line.fan_out([line, full], wire("again"))
        line.flush()
        assert line.written - before[0] == 4 * len(wire("hello"))
        assert full.written - before[1] == 3 * len(wire("hello"))
        assert await read_exactly(peer, 28) == wire("hello") * 3 + wire("again")
        expected += wire("hello") * 2 + wire("again")
        assert await read_exactly(slow, len(expected)) == expected


async def test_lines_are_split_into_those_that_take_a_shared_frame_and_others() -> None:
    async with opened() as (line, _), opened() as (closing, _), opened(ClientBare()) as (client, _):
        closing.state = State.CLOSING
        assert Line.split_plain(iter([line, closing, client, line, None])) == (
            [line, line],
            [closing, client, None],
        )


async def test_fan_out_passes_over_lines_that_have_gone() -> None:
    async with opened() as (gone, _), opened() as (line, peer):
        gone.abort()
        Line.fan_out([gone, line], wire("hello"))
        assert await read_frames(peer, 1) == [(Opcode.TEXT, b"hello")]
        await gone.until("lost")
        Line.fan_out([gone, line], wire("again"))
        assert await read_frames(peer, 1) == [(Opcode.TEXT, b"again")]


async def test_fan_out_to_a_peer_that_reset_ends_that_line_alone() -> None:
    async with opened() as (broken, reset), opened() as (line, peer):
        broken.pause()  # it does not see the reset by reading
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        reset.close()
        Line.fan_out([broken, line], wire("hello"))
        assert await read_frames(peer, 1) == [(Opcode.TEXT, b"hello")]
        Line.fan_out([broken, line], wire("hello"))  # the second, at the latest, meets the reset
        await broken.until("lost")
        assert await read_frames(peer, 1) == [(Opcode.TEXT, b"hello")]


# -- the trace


@pytest.mark.parametrize("kind", [Bare, ClientBare])
async def test_the_trace_is_shown_every_frame_as_it_is_on_the_wire(kind: type[Bare]) -> None:
    class Trace:
        def __init__(self) -> None:
            self.frames: list[bytes] = []

        def sent(self, data: bytes) -> None:
            frames_of(bytes(data))  # whole frames
            self.frames.append(bytes(data))

    async with opened(kind(), narrow_pair()) as (line, peer):
        line.trace = trace = Trace()
        line.send_nowait("small")
        line.send_nowait(b"x" * 200_000)
        assert line.unsent
        line._queue_urgent(Opcode.PING, PING)
        line._queue_frames(frame("whole", mask=None))
        Line.fan_out([line], wire("shared"))
        total = sum(map(len, trace.frames))
        received = await read_exactly(peer, total)
        assert sorted(frames_of(received)) == sorted(frames_of(b"".join(trace.frames)))
        for one in trace.frames:
            assert one in received


# -- ends


async def test_half_close_sends_fin_after_all_that_is_queued_and_reads_on() -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        queued = await fill(line)
        line.send_nowait("last")
        line.half_close()
        line.half_close()
        assert await read_to_end(peer) == queued + wire("last")
        peer.send(frame("still heard"))
        assert await line.recv() == "still heard"
        assert line.state is State.OPEN


async def test_half_close_takes_what_is_corked_along() -> None:
    async with opened() as (line, peer):
        line.send_nowait("last")
        line.half_close()
        assert await read_to_end(peer) == wire("last")


async def test_close_descriptor_waits_for_the_queue() -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        queued = await fill(line)
        line.close_descriptor()
        assert line.is_closing()
        assert not line.noted("lost")
        assert await read_to_end(peer) == queued
        assert await line.until("lost") == ("lost", None)


async def test_what_drained_writes_leaves_before_the_descriptor_closes() -> None:
    """`drained` is called in the middle of a write, and may queue more than the kernel takes."""

    class Streaming(RawBare):
        def drained(self) -> None:
            super().drained()
            if len(self.noted("drained")) == 1:
                self.write_raw(b"y" * 300_000)
                self.close_descriptor()

    async with opened(Streaming(), narrow_pair()) as (line, peer):
        line.write_raw(b"x" * 300_000)
        assert line.unsent
        assert await read_to_end(peer) == b"x" * 300_000 + b"y" * 300_000


async def test_abort_with_unsent_bytes_resets() -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        await fill(line)
        line.abort()
        assert line.state is State.CLOSING
        assert not line.noted("lost")  # never inside the call
        await line.until("lost")
        assert line.unsent == 0
        with pytest.raises(ConnectionResetError):
            await read_to_end(peer)


async def test_abort_without_unsent_bytes_loses_nothing() -> None:
    async with opened() as (line, peer):
        line.send_nowait("received")
        line.flush()
        line.abort()
        line.abort()
        assert await read_to_end(peer) == wire("received")
        await line.until("lost")
        assert len(line.noted("lost")) == 1


async def test_nothing_is_written_after_the_end() -> None:
    async with opened() as (line, peer):
        line.abort()
        line._queue_frames(wire("late"))
        line._queue_urgent(Opcode.PING, PING)
        line.write_raw(b"late")
        line.half_close()
        line.close_descriptor()
        assert await read_to_end(peer) == b""
        await line.until("lost")
        line._queue_frames(wire("later"))
        line._queue_urgent(Opcode.PING, PING)
        line.flush()
        line.pause()
        line.resume()
        line.discard()
        line.set_deadline(0.01)
        assert not line.unread()


async def test_what_the_peer_sent_before_it_went_is_still_read() -> None:
    """A write that fails ends the writing, not the reading: the peer's Close frame may be there."""
    async with opened() as (line, peer):
        peer.send(frame("goodbye"))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        peer.close()
        line.send_nowait("into the void")
        line.flush()
        assert await line.recv() == "goodbye"
        await line.until("lost")


async def test_a_line_that_does_not_read_ends_when_its_write_fails() -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        line.pause()
        await fill(line)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        peer.close()
        _, error = await line.until("lost")
        assert isinstance(error, OSError)
        assert line.unsent == 0
