"""The whole connection: what the storey above and the user see of a line."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from typing import Any

import pytest

from openline.engine.native.line import Line
from openline.exceptions import ConcurrencyError, ConnectionClosedError, ConnectionClosedOK
from openline.protocol.close_codes import Close
from openline.protocol.extensions.permessage_deflate import PerMessageDeflate
from openline.protocol.frames import Opcode, parse_header
from openline.protocol.states import State
from tests.engine.native.bare import (
    Bare,
    ClientBare,
    Collecting,
    RawBare,
    fill,
    frame,
    narrow_pair,
    opened,
    read_exactly,
    read_frames,
    turns_until,
)

pytestmark = [pytest.mark.native, pytest.mark.timeout(10)]


# -- attributes


def test_a_line_is_made_without_arguments_and_without_a_loop() -> None:
    line: Any = Line()
    assert line.state is State.CONNECTING
    for name in ("options", "protocol", "listener", "deflate", "pings", "fragmenting", "trace", "extra"):
        assert getattr(line, name) is None, name
    assert line.extensions == ()
    assert line.streaming is False
    assert line.latency == 0.0
    assert line.unsent == 0
    assert line.is_closing()


async def test_the_loop_is_the_one_it_lives_in() -> None:
    async with opened() as (line, _):
        assert line.loop is asyncio.get_running_loop()
        assert not line.is_closing()


async def test_heard_is_the_time_of_the_last_byte_by_the_clock_of_the_loop() -> None:
    async with opened(Bare(listener=Collecting())) as (line, peer):
        attached = line.heard
        before = asyncio.get_running_loop().time()
        peer.send(frame("x")[:3])
        await turns_until(lambda: line.heard != attached)
        # The reactor reads its clock once a turn; uvloop's counts milliseconds.
        assert before - 0.1 <= line.heard <= asyncio.get_running_loop().time() + 0.001


async def test_a_line_nobody_refers_to_lives_as_long_as_its_connection() -> None:
    async with opened(Bare(listener=Collecting())) as (line, peer):
        watcher = weakref.ref(line)
        log = line.log
        del line
        gc.collect()
        assert watcher() is not None
        peer.send(frame("hello"))
        await turns_until(lambda: any(what[0] == "message" for what in log))


async def test_a_line_in_a_cycle_of_references_is_collected() -> None:
    async with opened() as (line, peer):
        line.extra = line
        line.me = line
        peer.send(frame("never received"))
        await line._wait_readable()
    watcher = weakref.ref(line)
    del line
    gc.collect()
    await asyncio.sleep(0)  # the frame that waited for its end
    gc.collect()
    assert watcher() is None


# -- sending


@pytest.mark.parametrize(
    ("message", "text", "opcode"),
    [
        ("text", None, Opcode.TEXT),
        ("text", True, Opcode.TEXT),
        ("text", False, Opcode.BINARY),
        (b"data", None, Opcode.BINARY),
        (b"data", True, Opcode.TEXT),
        (b"data", False, Opcode.BINARY),
        (bytearray(b"data"), None, Opcode.BINARY),
        (memoryview(b"data"), True, Opcode.TEXT),
        (memoryview(b"-data-")[1:5], None, Opcode.BINARY),
        ("", None, Opcode.TEXT),
        (b"", None, Opcode.BINARY),
        (bytearray(), None, Opcode.BINARY),
        ("ä€𝄞", None, Opcode.TEXT),
    ],
)
@pytest.mark.parametrize("kind", [Bare, ClientBare])
@pytest.mark.parametrize("awaited", [True, False])
async def test_section_5_6_what_is_sent_is_text_or_binary(
    kind: type[Bare], message: Any, text: bool | None, opcode: Opcode, awaited: bool
) -> None:
    async with opened(kind()) as (line, peer):
        if awaited:
            await line.send(message, text=text)
        else:
            assert line.send_nowait(message, text=text) == 0
        payload = message.encode() if isinstance(message, str) else bytes(message)
        assert await read_frames(peer, 1) == [(opcode, payload)]


async def test_section_5_6_subclasses_of_str_are_text() -> None:
    class Name(str):
        __slots__ = ()

    async with opened() as (line, peer):
        line.send_nowait(Name("x"))
        await line.send(Name("y"))
        assert await read_frames(peer, 2) == [(Opcode.TEXT, b"x"), (Opcode.TEXT, b"y")]


@pytest.mark.parametrize("message", [None, 1, 1.5, object(), memoryview(b"abcdef")[::2], "\ud800"])
async def test_what_cannot_be_sent_is_refused_and_nothing_is_written(message: Any) -> None:
    async with opened() as (line, peer):
        with pytest.raises((TypeError, BufferError, UnicodeEncodeError)):
            line.send_nowait(message)
        line.send_nowait("next")
        assert await read_frames(peer, 1) == [(Opcode.TEXT, b"next")]


async def test_section_5_3_a_client_masks_each_frame_with_a_new_key_and_a_server_none() -> None:
    async with opened(ClientBare()) as (line, peer):
        keys = set()
        for _ in range(600):  # more than the kernel is asked for at once
            line.send_nowait("x")
        data = await read_exactly(peer, 600 * 7)
        for at in range(0, len(data), 7):
            header = parse_header(data, at)
            assert header is not None
            keys.add(header.mask)
        assert None not in keys
        assert len(keys) >= 599
    async with opened() as (line, peer):
        line.send_nowait("x")
        header = parse_header(await read_exactly(peer, 3))
        assert header is not None
        assert header.mask is None


async def test_a_large_masked_message_leaves_the_callers_bytes_as_they_are() -> None:
    message = b"abcd" * 25_000
    async with opened(ClientBare()) as (line, peer):
        line.send_nowait(message)
        assert message == b"abcd" * 25_000
        assert await read_frames(peer, 1) == [(Opcode.BINARY, message)]


class Slow(Bare):
    """Notes what goes the slow way."""

    async def _send_slow(self, message: Any, text: bool | None, compress: bool | None) -> None:
        self.note("slow", message, text, compress)


async def test_iterables_and_what_is_sent_between_fragments_go_the_slow_way() -> None:
    async with opened(Slow()) as (line, _):
        await line.send(["a", "b"], text=False, compress=True)
        assert line.noted("slow") == [("slow", ["a", "b"], False, True)]
        line.fragmenting = asyncio.get_running_loop().create_future()
        await line.send("between")
        assert line.noted("slow")[-1] == ("slow", "between", None, None)
        with pytest.raises(ConcurrencyError):
            line.send_nowait("between")
        line.fragmenting = None
        line.state = State.CLOSING
        await line.send("late")
        assert line.noted("slow")[-1] == ("slow", "late", None, None)


async def test_send_nowait_raises_when_the_connection_is_not_open() -> None:
    async with opened() as (line, _):
        line.abort()
        with pytest.raises(ConnectionClosedError):
            line.send_nowait("x")
        await line.until("lost")
        with pytest.raises(ConnectionClosedError):
            line.send_nowait("x")


class Compressed(Bare):
    def _connection_made(self) -> None:
        self.deflate = PerMessageDeflate(False, False, 15, 15)
        self.extensions = (self.deflate,)
        super()._connection_made()


@pytest.mark.parametrize(
    "message", ["compressible " * 100, b"compressible " * 100, bytearray(b"compressible " * 100)]
)
async def test_rfc_7692_section_6_1_a_message_is_compressed_unless_it_must_not_be(message: Any) -> None:
    async with opened(Compressed()) as (line, peer):
        line.send_nowait(message)
        first = await read_exactly(peer, 2)
        assert first[0] & 0x40
        assert first[1] < 126
        compressed = await read_exactly(peer, first[1])
        data = message.encode() if isinstance(message, str) else bytes(message)
        assert PerMessageDeflate(False, False, 15, 15).decompress_message(compressed, 10_000) == data
        line.send_nowait(message, compress=False)
        assert (await read_exactly(peer, 1))[0] & 0x40 == 0


async def test_with_a_generic_extension_the_upper_half_makes_the_frame() -> None:
    class Extended(Bare):
        def _connection_made(self) -> None:
            self.extensions = (object(),)
            super()._connection_made()

        def _encode_message(self, message: Any, text: bool | None, compress: bool | None) -> bytes:
            self.note("encode", message, text, compress)
            return b"made above"

    async with opened(Extended()) as (line, peer):
        line.send_nowait("x", text=False)
        assert await read_exactly(peer, 10) == b"made above"
        assert line.noted("encode") == [("encode", "x", False, None)]


# -- receiving


async def test_recv_gives_str_for_text_and_bytes_for_binary_unless_told_otherwise() -> None:
    async with opened() as (line, peer):
        peer.send((frame("ä") + frame(b"\xc3\xa4")) * 3)
        assert [await line.recv() for _ in range(2)] == ["ä", b"\xc3\xa4"]
        assert [await line.recv(decode=True) for _ in range(2)] == ["ä", "ä"]
        assert [await line.recv(False) for _ in range(2)] == [b"\xc3\xa4"] * 2


async def test_a_second_recv_is_refused_while_the_first_waits() -> None:
    async with opened() as (line, peer):
        first = asyncio.create_task(line.recv())
        await asyncio.sleep(0)
        with pytest.raises(ConcurrencyError, match="recv"):
            await line.recv()
        peer.send(frame("for the first"))
        assert await first == "for the first"


async def test_recv_with_a_listener_is_refused() -> None:
    async with opened(Bare(listener=Collecting())) as (line, _):
        with pytest.raises(ConcurrencyError, match="listener"):
            await line.recv()


async def test_recv_while_streaming_is_refused() -> None:
    async with opened() as (line, peer):
        line.streaming = True
        with pytest.raises(ConcurrencyError, match="recv_streaming"):
            await line.recv()
        peer.send(frame("x"))
        await line._wait_readable()  # this one may: it is what recv_streaming itself waits by
        line.streaming = False
        assert await line.recv() == "x"


async def test_recv_waits_in_closing_and_raises_once_closed_and_empty() -> None:
    async with opened() as (line, peer):
        peer.send(frame("kept"))
        await line._wait_readable()
        line.state = State.CLOSING
        assert await line.recv() == "kept"
        waiter = asyncio.create_task(line.recv())
        await asyncio.sleep(0)
        assert not waiter.done()
        line.abort()
        with pytest.raises(ConnectionClosedError):
            await waiter
        with pytest.raises(ConnectionClosedError):
            await line.recv()
        await line._wait_readable()  # returns: whoever waits looks at the state himself


class EndsWell(Bare):
    def _closed_error(self) -> Exception:
        return ConnectionClosedOK(Close(1000, ""), Close(1000, ""), True)


@pytest.mark.parametrize("well", [True, False])
async def test_iteration_ends_with_a_normal_close_and_raises_otherwise(well: bool) -> None:
    async with opened(EndsWell() if well else Bare()) as (line, peer):
        messages: list[str | bytes] = []

        async def collect() -> None:
            async for message in line:
                messages.append(message)

        task = asyncio.create_task(collect())
        peer.send(frame("one") + frame("two"))
        peer.shutdown(socket.SHUT_WR)
        await asyncio.wait([task])
        assert messages == ["one", "two"]
        assert (task.exception() is None) is well


async def test_an_exception_of_a_listener_is_told_and_the_next_message_is_delivered() -> None:
    class Failing(Collecting):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            super().on_message(ws, message)
            if message == "bad":
                raise LookupError(message)

    async with opened(Bare(listener=Failing())) as (line, peer):
        peer.send(frame("bad") + frame("good"))
        await line.until("message", 2)
        ((_, error),) = line.noted("callback failed")
        assert isinstance(error, LookupError)


async def test_the_listener_is_read_when_frames_begin() -> None:
    async with opened() as (line, peer):
        line.listener = Collecting()
        peer.send(frame("queued"))
        assert await line.recv() == "queued"


# -- waiting for room


async def test_wait_writable_waits_for_the_low_water_mark() -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        await line._wait_writable()  # nothing is queued: returns
        sent = len(await fill(line))
        line.send_nowait(b"x" * 100_000)
        waiter = asyncio.create_task(line._wait_writable())
        await asyncio.sleep(0)
        assert not waiter.done()
        await read_exactly(peer, sent + 100_010)
        await waiter
        assert line.unsent <= line.options.write_low


async def test_wait_writable_raises_when_the_connection_ends() -> None:
    async with opened(pair=narrow_pair()) as (line, _):
        await fill(line)
        line.send_nowait(b"x" * 100_000)
        waiter = asyncio.create_task(line._wait_writable())
        await asyncio.sleep(0)
        line.abort()
        with pytest.raises(ConnectionClosedError):
            await waiter


# -- looking at it


async def test_unread_tells_of_bytes_in_the_kernel_and_not_of_our_own_carry() -> None:
    async with opened(Bare(max_queue_high=1)) as (line, peer):
        peer.send(frame("one") + frame("two"))
        await line._wait_readable()
        assert line._queue_full()
        assert not line.unread()  # "two" is here already
        peer.send(frame("three"))
        assert line.unread()
        assert [await line.recv() for _ in range(3)] == ["one", "two", "three"]
        assert not line.unread()


async def test_get_extra_info_knows_what_asyncio_knows() -> None:
    async with opened() as (line, peer):
        assert line.get_extra_info("peername") == peer.getsockname()
        assert (
            line.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
        )
        for name in ("ssl_object", "sslcontext", "peercert", "cipher", "compression", "nonsense"):
            assert line.get_extra_info(name) is None
            assert line.get_extra_info(name, "default") == "default"
    assert line.get_extra_info("socket", "gone") == "gone"


# -- the contract's calls upward


@pytest.mark.parametrize("kind", [Bare, RawBare])
async def test_the_end_is_told_exactly_once(kind: type[Bare]) -> None:
    async with opened(kind()) as (line, peer):
        peer.close()
        await line.until("eof")
        line.abort()
        line.abort()
        line.close_descriptor()
        await line.until("lost")
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(line.noted("lost")) == 1


async def test_abort_is_closing_at_once_and_closed_when_it_is_told() -> None:
    states: list[State] = []

    class Noting(Bare):
        def _connection_lost(self, exc: Exception | None) -> None:
            states.append(self.state)
            super()._connection_lost(exc)

    async with opened(Noting()) as (line, _):
        line.abort()
        assert line.state is State.CLOSING
        assert not states
        await line.until("lost")
        assert states == [State.CLOSED]


async def test_abort_in_a_callback_ends_the_batch() -> None:
    class Aborting(Collecting):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            super().on_message(ws, message)
            ws.abort()

    async with opened(Bare(listener=Aborting())) as (line, peer):
        peer.send(frame("one") + frame("two"))
        await line.until("lost")
        assert line.noted("message") == [("message", "one")]
