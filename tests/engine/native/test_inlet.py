"""The reading half of a connection: from the socket to a message, and what is handed over instead."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from openline.protocol.extensions.permessage_deflate import PerMessageDeflate
from openline.protocol.frames import Opcode
from openline.protocol.states import State
from tests.engine.native.bare import (
    Bare,
    ClientBare,
    Collecting,
    RawBare,
    frame,
    opened,
    read_frames,
    tcp_pair,
    turns_until,
)

pytestmark = [pytest.mark.native, pytest.mark.timeout(10)]


async def arrive(line: Any, peer: socket.socket, *pieces: bytes) -> None:
    """Let pieces arrive one by one: the line has read each before the next is sent."""
    for piece in pieces:
        peer.send(piece)
        await settle(line)


async def settle(line: Any) -> None:
    """Let the line read what has come."""
    await turns_until(lambda: not line.unread())
    await asyncio.sleep(0)


# -- whole, and in pieces


@pytest.mark.parametrize("length", [0, 1, 7, 8, 125, 126, 127, 65535, 65536, 200_000])
@pytest.mark.parametrize("text", [True, False])
async def test_section_5_2_messages_of_every_length_encoding(length: int, text: bool) -> None:
    message = "ä" * (length // 2) + "a" * (length % 2) if text else bytes(n % 251 for n in range(length))
    async with opened() as (line, peer):
        await asyncio.get_running_loop().sock_sendall(peer, frame(message) + frame("next"))
        assert await line.recv() == message
        assert await line.recv() == "next"
        assert not line.noted("rare")


@pytest.mark.parametrize("length", [0, 5, 126, 65536])
@pytest.mark.parametrize("kind", [Bare, ClientBare])
async def test_section_5_2_a_frame_cut_anywhere_is_one_message(kind: type[Bare], length: int) -> None:
    """At each byte of its header, and at several of its payload; what follows is not touched."""
    message = bytes(n % 251 for n in range(length))
    data = frame(message, mask=None if kind is ClientBare else b"\1\2\3\4")
    head = len(data) - length
    cuts = sorted(
        {*range(1, head + 1), head + 1, head + 3, head + 4, head + 9, len(data) - 1}
        & set(range(1, len(data)))
    )
    async with opened(kind(listener=Collecting(), max_queue_high=None)) as (line, peer):
        for number, cut in enumerate(cuts, 1):
            await arrive(line, peer, data[:cut], data[cut:] + data[:1], data[1:])
            await line.until("message", 2 * number)
        assert line.noted("message") == [("message", message)] * 2 * len(cuts)
        assert not line.noted("rare")


@pytest.mark.parametrize("text", [True, False])
async def test_section_5_2_a_frame_that_comes_byte_by_byte(text: bool) -> None:
    message = "€uro 𝄞" * 40 if text else bytes(range(256))
    async with opened() as (line, peer):
        data = frame(message)
        await arrive(line, peer, *(data[at : at + 1] for at in range(len(data))))
        assert await line.recv() == message


async def test_a_large_payload_is_read_into_its_place() -> None:
    """Over the first allocation of 1 MiB, so that it grows; with the next frame close behind it."""
    message = bytes(n * 31 & 0xFF for n in range(5_000_000))
    async with opened(Bare(max_message_size=None)) as (line, peer):
        sending = asyncio.create_task(
            asyncio.get_running_loop().sock_sendall(
                peer, frame(message) + frame("and then") + frame(message[:20_000])
            )
        )
        assert await line.recv() == message
        assert await line.recv() == "and then"
        assert await line.recv() == message[:20_000]
        await sending


async def test_memory_for_an_announced_payload_grows_only_as_it_comes() -> None:
    """A header may announce a gigabyte; nobody is given one for it."""
    head = b"\x82\xff" + (2**30).to_bytes(8, "big") + b"\0\0\0\0"

    def address_space() -> int:
        """Bytes of address space; a bytes object of a gigabyte shows there, touched or not."""
        return int(Path("/proc/self/statm").read_text().split()[0]) * 4096

    async with opened(Bare(max_message_size=None)) as (line, peer):
        before = address_space()
        await arrive(line, peer, head + bytes(100_000))
        assert address_space() - before < 16 * 2**20
        assert not line.noted("rare")


# -- UTF-8


async def test_section_8_1_text_is_checked_at_the_first_wrong_byte() -> None:
    """In a frame of which most is still to come."""
    text = "grün".encode() + b"\xff" + b"x" * 100_000
    data = frame(text, opcode=Opcode.TEXT)
    async with opened() as (line, peer):
        at = len(data) - len(text) + 5
        await arrive(line, peer, data[:at])
        assert not line.noted("failed")
        await arrive(line, peer, data[at : at + 1])
        assert line.noted("failed") == [("failed", None)]


@pytest.mark.parametrize("cut", [0, 3])
@pytest.mark.parametrize(
    "text",
    [b"\x80", b"abc\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"cut \xe2\x82", b"ends in \xf0\x9f\x98"],
)
async def test_section_8_1_wrong_text_fails_whole_or_in_pieces(text: bytes, cut: int) -> None:
    data = frame(text, opcode=Opcode.TEXT)
    async with opened() as (line, peer):
        await arrive(line, peer, *((data[:-cut], data[-cut:]) if cut else (data,)))
        assert await line.until("failed") == ("failed", None)
        assert not line._queued()


async def test_section_8_1_a_character_may_be_cut_anywhere() -> None:
    text = "aä€𝄞" * 3
    data = frame(text)
    for cut in range(6, len(data)):
        async with opened() as (line, peer):
            await arrive(line, peer, data[:cut], data[cut:])
            assert await line.recv() == text


# -- what is not on the happy path


RARE = {
    "section 5.5.2 ping": frame("p", opcode=Opcode.PING),
    "section 5.5.3 pong": frame("", opcode=Opcode.PONG),
    "section 5.5.1 close": frame(b"\x03\xe8", opcode=Opcode.CLOSE),
    "section 5.4 first fragment": frame("a", fin=False),
    "section 5.4 continuation": frame("a", opcode=Opcode.CONT),
    "section 5.2 reserved bit": frame("a", rsv=0x20),
    "section 5.2 RSV1 without an extension": frame("a", rsv=0x40),
    "section 5.2 reserved opcode": b"\x83\x80\0\0\0\0",
    "section 5.1 no mask": frame("a", mask=None),
    "section 5.2 length of 2 bytes too long": b"\x82\xfe\x00\x05\0\0\0\0hello",
    "section 5.2 length of 8 bytes too long": b"\x82\xff\0\0\0\0\0\0\x00\x05\0\0\0\0hello",
    "section 10.4 over the largest size": frame(b"x" * 2001),
}


@pytest.mark.parametrize("name", RARE)
@pytest.mark.parametrize("cut", [None, 1, 2, 3, 5, 7])
async def test_what_is_rare_goes_up_from_the_start_of_its_frame(name: str, cut: int | None) -> None:
    """All of its bytes, in order, wherever it was cut; and the frames around it take the happy path."""
    rare = RARE[name]
    async with opened(Bare(listener=Collecting(), max_message_size=2000)) as (line, peer):
        data = frame("before") + rare + frame("after")
        at = len(frame("before")) + (cut or 0)
        await arrive(line, peer, *((data[:at], data[at:]) if cut else (data,)))
        await line.until("message", 2)
        assert b"".join(data for _, data in line.noted("rare")) == rare
        names = [what[0] for what in line.log if what[0] in ("message", "rare")]
        assert names[0] == names[-1] == "message"
        assert line.noted("message") == [("message", "before"), ("message", "after")]


@pytest.mark.parametrize("name", [name for name in RARE if "length" not in name and "size" not in name])
async def test_what_is_wrong_goes_up_as_soon_as_its_first_bytes_show_it(name: str) -> None:
    """So that the connection fails there, and not when the rest has come."""
    rare = RARE[name]
    async with opened() as (line, peer):
        await arrive(line, peer, rare[:2])
        assert b"".join(data for _, data in line.noted("rare")) == rare[:2]


async def test_the_payload_of_a_rare_frame_goes_up_as_it_comes() -> None:
    rare = frame(b"x" * 1_000_000, fin=False)
    async with opened() as (line, peer):
        sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(peer, rare + frame("after")))
        assert await line.recv() == "after"
        await sending
        pieces = [data for _, data in line.noted("rare")]
        assert b"".join(pieces) == rare
        assert max(map(len, pieces)) <= 65536
        assert len(pieces) > 10


async def test_while_there_is_a_protocol_every_frame_goes_to_it() -> None:
    async with opened(Bare(listener=Collecting())) as (line, peer):
        line.protocol = object()
        await arrive(line, peer, frame("one") + frame("two"))
        assert [data for _, data in line.noted("rare")] == [frame("one"), frame("two")]
        line.protocol = None
        await arrive(line, peer, frame("three"))
        assert line.noted("message") == [("message", "three")]


async def test_with_a_generic_extension_every_frame_goes_up() -> None:
    class Extended(Bare):
        def _connection_made(self) -> None:
            self.extensions = (object(),)
            super()._connection_made()

    async with opened(Extended(listener=Collecting())) as (line, peer):
        await arrive(line, peer, frame("one"))
        assert line.noted("rare") == [("rare", frame("one"))]


@pytest.mark.parametrize("size", [2000, 2001])
async def test_section_10_4_the_largest_size_is_judged_by_the_header(size: int) -> None:
    data = frame(b"x" * size)
    async with opened(Bare(max_message_size=5000, max_fragment_size=2000)) as (line, peer):
        await arrive(line, peer, data[:8])
        assert bool(line.noted("rare")) is (size > 2000)


async def test_what_raises_in_the_upper_half_ends_its_own_connection_alone() -> None:
    errors: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: errors.append(context["exception"])
    )

    class Broken(Bare):
        def _receive_rare(self, data: bytes) -> None:
            raise LookupError("a bug")

    async with opened(Broken()) as (broken, peer), opened() as (line, other):
        peer.send(RARE["section 5.5.2 ping"] + frame("never"))
        other.send(frame("hello"))
        assert await line.recv() == "hello"
        await broken.until("lost")
        assert [type(error) for error in errors] == [LookupError]
        assert not broken._queued()


# -- compressed


def deflate() -> PerMessageDeflate:
    return PerMessageDeflate(False, False, 15, 15)


class Compressed(Bare):
    def _connection_made(self) -> None:
        self.deflate = deflate()
        self.extensions = (self.deflate,)
        super()._connection_made()


async def test_rfc_7692_section_6_2_a_whole_compressed_frame_is_inflated_here() -> None:
    sender = deflate()
    async with opened(Compressed(listener=Collecting())) as (line, peer):
        for message in ("compressible " * 100, "compressible " * 100, b"\0" * 5000):
            payload = message.encode() if isinstance(message, str) else message
            compressed = sender.compress_message(payload)
            assert compressed is not None
            opcode = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
            await arrive(line, peer, frame(compressed, opcode=opcode, rsv=0x40))
            assert line.noted("message")[-1] == ("message", message)
        assert not line.noted("rare")


async def test_rfc_7692_section_6_2_a_compressed_frame_in_pieces_goes_up() -> None:
    compressed = deflate().compress_message(b"compressible " * 100)
    assert compressed is not None
    data = frame(compressed, opcode=Opcode.TEXT, rsv=0x40)
    for cut in (1, 5, 7, len(data) - 1):
        async with opened(Compressed()) as (line, peer):
            await arrive(line, peer, data[:cut], data[cut:])
            assert b"".join(data for _, data in line.noted("rare")) == data


@pytest.mark.parametrize("bomb", [True, False])
async def test_rfc_7692_section_7_2_2_bad_compressed_data_fails_the_connection(bomb: bool) -> None:
    payload = deflate().compress_message(bytes(100_000)) if bomb else b"\xff\xff\xff\xff"
    assert payload is not None
    async with opened(Compressed(max_message_size=50_000)) as (line, peer):
        peer.send(frame(payload, rsv=0x40))
        _, error = await line.until("failed")
        assert isinstance(error, Exception)


async def test_rfc_7692_section_6_2_inflated_text_must_be_utf8() -> None:
    payload = deflate().compress_message(b"\xff" * 2000)
    assert payload is not None
    async with opened(Compressed()) as (line, peer):
        peer.send(frame(payload, opcode=Opcode.TEXT, rsv=0x40))
        assert await line.until("failed") == ("failed", None)


# -- the bound of the queue


async def test_parsing_stops_at_max_queue_in_the_middle_of_what_was_read() -> None:
    async with opened(Bare(max_queue_high=4, max_queue_low=1)) as (line, peer):
        await arrive(line, peer, b"".join(frame(str(number)) for number in range(10)))
        assert line._queued() == 4
        assert line._queue_full()
        assert not line.unread()  # the rest was read; it waits unparsed
        for number in range(10):
            assert await line.recv() == str(number)
            assert line._queued() <= 4
        assert not line._queue_full()


async def test_a_full_queue_goes_on_at_its_low_mark_and_not_before() -> None:
    async with opened(Bare(max_queue_high=4, max_queue_low=1)) as (line, peer):
        await arrive(line, peer, b"".join(frame(str(number)) for number in range(6)))
        for _ in range(2):
            await line.recv()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert line._queued() == 2
        await line.recv()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert line._queued() == 3


async def test_what_a_full_queue_leaves_behind_is_at_most_one_read() -> None:
    async with opened(Bare(max_queue_high=1, max_queue_low=0)) as (line, peer):
        message = b"x" * 1000
        sent = 0
        while True:
            try:
                sent += peer.send(frame(message) * 100)
            except BlockingIOError:
                await asyncio.sleep(0)
                if line._queue_full() and sent > 200_000:
                    break
        assert line._queued() == 1
        assert line.unread()  # the kernel keeps the rest, and TCP holds the peer back


async def test_a_full_queue_halts_at_the_bound_with_rare_frames_between() -> None:
    """The order holds: a ping behind messages for which there is no room waits with them."""
    async with opened(Bare(max_queue_high=2, max_queue_low=1)) as (line, peer):
        await arrive(line, peer, frame("a") + frame("b") + RARE["section 5.5.2 ping"] + frame("c"))
        assert not line.noted("rare")
        assert [await line.recv() for _ in range(2)] == ["a", "b"]
        assert await line.recv() == "c"
        assert line.noted("rare")


async def test_section_5_5_1_what_came_before_a_rare_frame_is_answered_before_it() -> None:
    async with opened() as (line, peer):

        async def answer() -> None:
            line.note("answered", await line.recv())

        task = asyncio.create_task(answer())
        await turns_until(lambda: line._receiving())
        await arrive(line, peer, frame("question") + RARE["section 5.5.1 close"])
        await task
        assert [what[0] for what in line.log[1:]] == ["answered", "rare"]


async def test_while_closing_messages_without_room_are_thrown_away_and_all_is_parsed() -> None:
    async with opened(Bare(max_queue_high=2, max_queue_low=1)) as (line, peer):
        line.state = State.CLOSING
        await arrive(line, peer, b"".join(frame(str(n)) for n in range(5)) + RARE["section 5.5.1 close"])
        assert [await line.recv() for _ in range(2)] == ["0", "1"]
        assert line.noted("rare") == [("rare", RARE["section 5.5.1 close"])]


# -- pausing


async def test_pause_in_a_callback_stops_before_the_next_message() -> None:
    class Pausing:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            ws.note("message", message)
            ws.pause()

    async with opened(Bare(listener=Pausing())) as (line, peer):
        await arrive(line, peer, frame("one") + frame("two") + frame("three"))
        for count, message in enumerate(("one", "two", "three"), 1):
            assert line.noted("message")[-1] == ("message", message)
            assert len(line.noted("message")) == count
            line.resume()
            await asyncio.sleep(0)
            await asyncio.sleep(0)


async def test_a_paused_line_leaves_the_bytes_to_the_kernel() -> None:
    async with opened(Bare(listener=Collecting())) as (line, peer):
        line.pause()
        heard = line.heard
        peer.send(frame("later"))
        for _ in range(5):
            await asyncio.sleep(0)
        assert line.unread()
        assert line.heard == heard
        assert not line.noted("message")
        line.resume()
        assert await line.until("message") == ("message", "later")
        assert line.heard > heard


async def test_a_held_line_is_released_by_a_recv_that_has_to_wait() -> None:
    async with opened() as (line, peer):
        line._hold()
        await arrive_held(peer)
        assert not line._queued()
        assert await line.recv() == "held"


async def arrive_held(peer: socket.socket) -> None:
    peer.send(frame("held"))
    for _ in range(5):
        await asyncio.sleep(0)


async def test_pause_in_the_middle_of_a_frame() -> None:
    message = b"x" * 100_000
    data = frame(message)
    async with opened() as (line, peer):
        await arrive(line, peer, data[:50_000])
        line.pause()
        await asyncio.get_running_loop().sock_sendall(peer, data[50_000:] + frame("next"))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not line._queued()
        line.resume()
        assert await line.recv() == message
        assert await line.recv() == "next"


# -- ends


async def test_discard_reads_and_throws_away_until_the_peers_fin() -> None:
    async with opened(Bare(listener=Collecting())) as (line, peer):
        line.pause()
        await arrive_held(peer)
        line.discard()
        await settle(line)
        peer.send(b"\xff" * 1000)
        await settle(line)
        assert not line.noted("message")
        assert not line.noted("rare")
        peer.shutdown(socket.SHUT_WR)
        assert await line.until("lost") == ("lost", None)
        assert peer.recv(1) == b""


async def test_discard_in_a_callback_drops_the_rest_of_the_batch() -> None:
    class Discarding(Collecting):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            super().on_message(ws, message)
            ws.discard()

    async with opened(Bare(listener=Discarding())) as (line, peer):
        peer.send(frame("one") + frame("two") + b"\xff\xff")
        peer.shutdown(socket.SHUT_WR)
        await line.until("lost")
        assert line.noted("message") == [("message", "one")]
        assert not line.noted("rare")


async def test_eof_comes_after_all_that_was_sent_before_it() -> None:
    async with opened(Bare(listener=Collecting())) as (line, peer):
        peer.send(frame("one") + frame("two"))
        peer.shutdown(socket.SHUT_WR)
        await line.until("lost")
        assert [what[0] for what in line.log[1:]] == ["message", "message", "eof", "lost"]


async def test_eof_waits_behind_a_full_queue() -> None:
    async with opened(Bare(max_queue_high=2, max_queue_low=1)) as (line, peer):
        await arrive(line, peer, b"".join(frame(str(n)) for n in range(6)))
        peer.shutdown(socket.SHUT_WR)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not line.noted("eof")
        assert [await line.recv() for _ in range(6)] == [str(n) for n in range(6)]
        await line.until("eof")


async def test_a_reset_is_told_as_what_it_is() -> None:
    async with opened() as (line, peer):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        _, error = await line.until("lost")
        assert isinstance(error, ConnectionResetError)


async def test_messages_that_were_queued_can_be_received_after_the_end() -> None:
    async with opened() as (line, peer):
        await arrive(line, peer, frame("one") + frame("two"))
        line.abort()
        await line.until("lost")
        assert await line.recv() == "one"
        assert await line.recv() == "two"
        assert line.state is State.CLOSED


# -- the raw phase


async def test_raw_bytes_go_to_the_receiver_and_the_receiver_changes() -> None:
    class Second(RawBare):
        pass

    second = Second()
    async with opened(RawBare()) as (line, peer):
        await arrive(line, peer, b"GET / HTTP/1.1\r\n")
        assert line.noted("data") == [("data", b"GET / HTTP/1.1\r\n")]
        line.begin_raw(second)
        await arrive(line, peer, b"\r\n")
        assert second.noted("data") == [("data", b"\r\n")]
        line.begin_raw(line)


async def test_a_paused_raw_line_reads_nothing() -> None:
    async with opened(RawBare()) as (line, peer):
        line.pause_raw()
        peer.send(b"later")
        for _ in range(5):
            await asyncio.sleep(0)
        assert line.unread()
        line.resume_raw()
        assert await line.until("data") == ("data", b"later")


async def test_what_came_with_the_head_is_parsed_and_the_callers_bytes_stay_as_they_are() -> None:
    """A frame is unmasked where it lies; not in somebody's bytes object."""
    rest = frame("with the head") + frame("and") + frame("half")[:8]
    copy = bytes(bytearray(rest))

    class Upgrading(Bare):
        def _connection_made(self) -> None:
            self.state = State.OPEN
            self.begin_frames(rest)

    async with opened(Upgrading()) as (line, peer):
        assert await line.recv() == "with the head"
        assert await line.recv() == "and"
        peer.send(frame("half")[8:])
        assert await line.recv() == "half"
        assert rest == copy


async def test_eof_in_the_raw_phase_leaves_the_line_open_for_writing() -> None:
    async with opened(RawBare(), tcp_pair()) as (line, peer):
        peer.shutdown(socket.SHUT_WR)
        await line.until("eof")
        line.state = State.OPEN
        line.write_raw(frame("answer", mask=None))
        assert await read_frames(peer, 1) == [(Opcode.TEXT, b"answer")]


async def test_thousands_of_tiny_frames_in_one_read_leave_the_loop_its_turns_and_keep_their_order() -> None:
    turns_seen: list[int] = []
    turns = 0

    class Slow(Collecting):
        def on_message(self, ws: Any, message: Any) -> None:
            super().on_message(ws, message)
            turns_seen.append(turns)
            until = time.perf_counter() + 0.0005
            while time.perf_counter() < until:
                pass

    async with opened(Bare(listener=Slow(), max_queue_high=None)) as (line, peer):
        peer.send(b"".join(frame(str(number)) for number in range(400)))
        while len(turns_seen) < 400:
            turns += 1
            await asyncio.sleep(0)
        assert line.noted("message") == [("message", str(number)) for number in range(400)]
        # 200 ms of work; one share of a turn is 2 ms, looked at every 32 frames.
        assert turns_seen[-1] - turns_seen[0] >= 400 // 32 - 1
