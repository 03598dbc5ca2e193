"""RFC 6455 section 10.4: limits, enforced before anything is stored; and long streams within them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .lines import Side, keep_silent, opened
from .peer import BINARY, CONT, PING, PONG, TEXT, Frame, chop

pytestmark = pytest.mark.engine

KIB = 1024
OPCODES = pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])


@OPCODES
async def test_10_4_a_message_of_max_size_passes(side: Side, opcode: int) -> None:
    async with opened(side, max_size=1000) as line:
        await line.peer.send_frame(opcode, b"x" * 1000)
        await line.peer.expect(opcode, b"x" * 1000)
        await line.peer.send_frame(opcode, b"x" * 400, fin=False)
        await line.peer.send_frame(CONT, b"x" * 600)
        await line.peer.expect(opcode, b"x" * 1000)
        await line.close_from_peer()


@OPCODES
@pytest.mark.parametrize("length", [1001, 65536, 2**40, 2**63 - 1])
async def test_10_4_a_frame_over_max_size_fails_at_its_header(side: Side, opcode: int, length: int) -> None:
    """Not one byte of the payload is sent: 1009 comes for the header."""
    async with opened(side, max_size=1000) as line:
        await line.peer.send(line.peer.frame(opcode, b"", length=length))
        await line.expect_failure(1009)


async def test_10_4_the_default_max_size_is_1_mib(side: Side) -> None:
    async with opened(side) as line:
        async with asyncio.TaskGroup() as group:
            group.create_task(line.peer.send_frame(BINARY, b"x" * 2**20))
            await line.peer.expect(BINARY, b"x" * 2**20)
        await line.peer.send(line.peer.frame(BINARY, b"", length=2**20 + 1))
        await line.expect_failure(1009)


@OPCODES
async def test_10_4_fragments_whose_sum_is_over_max_size_fail(side: Side, opcode: int) -> None:
    async with opened(side, max_size=1000) as line:
        await line.peer.send_frame(opcode, b"x" * 500, fin=False)
        await line.peer.send_frame(CONT, b"x" * 500, fin=False)
        await line.peer.expect_silence()
        await line.peer.send(line.peer.frame(CONT, b"", length=1))
        await line.expect_failure(1009)
        assert line.app.received == []


async def test_10_4_max_size_counts_bytes_of_utf8(side: Side) -> None:
    async with opened(side, max_size=100) as line:
        await line.peer.send_frame(TEXT, "\u00e9".encode() * 50)
        await line.peer.expect(TEXT, "\u00e9".encode() * 50)
        await line.peer.send_frame(TEXT, "\u00e9".encode() * 51)
        await line.expect_failure(1009)


async def test_10_4_endless_empty_fragments_fail(side: Side) -> None:
    """Fragments that add nothing to the size are counted, or a message could hold any number of them."""
    async with opened(side, keep_silent) as line:
        first = line.peer.frame(TEXT, b"x", fin=False)
        rest = b"".join(line.peer.frame(CONT, b"", fin=False) for _ in range(5000))
        await line.peer.send(first + rest)
        await line.expect_failure(1009)


async def test_10_4_control_frames_between_fragments_do_not_count(side: Side) -> None:
    async with opened(side, max_size=1000) as line:
        await line.peer.send_frame(TEXT, b"x" * 500, fin=False)
        for _ in range(20):
            await line.peer.send_frame(PING, b"p" * 125)
            await line.peer.expect(PONG, b"p" * 125)
        await line.peer.send_frame(CONT, b"x" * 500)
        await line.peer.expect(TEXT, b"x" * 1000)
        await line.close_from_peer()


async def test_10_4_what_preceded_the_large_message_is_answered_first(side: Side) -> None:
    async with opened(side, max_size=1000) as line:
        frame = line.peer.frame
        await line.peer.send(frame(TEXT, b"good") + frame(TEXT, b"x" * 1001) + frame(PING))
        await line.peer.expect(TEXT, b"good")
        await line.expect_failure(1009)


async def test_10_4_a_peer_over_the_limit_that_sends_on_still_gets_the_close_frame(side: Side) -> None:
    async with opened(side, max_size=1000) as line:
        await line.peer.send_frame(BINARY, b"x" * 3_000_000)
        await line.expect_failure(1009)


# Large messages, as whole frames, in fragments, in chops


@OPCODES
@pytest.mark.parametrize("size", [256 * KIB, 1024 * KIB, 4096 * KIB])
async def test_5_2_large_messages(side: Side, opcode: int, size: int) -> None:
    async with opened(side, max_size=None) as line:
        payload = b"BAsd7&jh23"[: size % 10] + b"BAsd7&jh23" * (size // 10)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.peer.send_frame(opcode, payload))
            await line.peer.expect(opcode, payload)
        await line.close_from_peer()


@OPCODES
@pytest.mark.parametrize("fragment", [64, 4 * KIB, 256 * KIB])
async def test_5_4_one_mib_in_fragments(side: Side, opcode: int, fragment: int) -> None:
    size = 256 * KIB if fragment == 64 else 1024 * KIB
    async with opened(side, max_size=None) as line:
        pieces = [b"*" * fragment] * (size // fragment)
        stream = b"".join(
            line.peer.frame(CONT if at else opcode, piece, fin=at == len(pieces) - 1)
            for at, piece in enumerate(pieces)
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(line.peer.send(stream))
            await line.peer.expect(opcode, b"*" * size)
        await line.close_from_peer()


@pytest.mark.parametrize("step", [997, 2048, 65536])
async def test_5_2_one_mib_in_chops(side: Side, step: int) -> None:
    async with opened(side) as line:
        frame = line.peer.frame(BINARY, bytes(range(256)) * 4096)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.peer.send_in_pieces(chop(frame, step)))
            await line.peer.expect(BINARY, bytes(range(256)) * 4096)
        await line.close_from_peer()


@pytest.mark.parametrize("size", [0, 16, 64, 256, 1024, 4096])
async def test_6_2_a_thousand_messages_keep_their_order(side: Side, size: int) -> None:
    async with opened(side) as line:
        payloads = [b"%06d" % number + b"." * size for number in range(1000)]
        async with asyncio.TaskGroup() as group:
            group.create_task(
                line.peer.send(b"".join(line.peer.frame(BINARY, payload) for payload in payloads))
            )
            for payload in payloads:
                await line.peer.expect(BINARY, payload)
        await line.close_from_peer()


# Section 6.1: what the application sends


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 1_000_000])
@pytest.mark.parametrize("kind", [str, bytes, bytearray, memoryview])
async def test_6_1_the_application_sends(side: Side, kind: Any, size: int) -> None:
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        message = "x" * size if kind is str else kind(b"x" * size)
        async with asyncio.TaskGroup() as group:
            group.create_task(_send(ws, message))
            frame = await line.peer.receive()
        assert isinstance(frame, Frame)
        assert (frame.fin, frame.opcode, frame.payload) == (
            True,
            TEXT if kind is str else BINARY,
            b"x" * size,
        )
        await line.close_from_peer()


async def _send(ws: Any, message: Any) -> None:
    await ws.send(message)


async def _numbers() -> Any:
    for number in range(3):
        yield str(number)


@pytest.mark.parametrize("source", [["one", "two", "three"], ["only"], [b"one", b"two"], _numbers], ids=str)
async def test_6_1_an_iterable_is_sent_as_fragments(side: Side, source: Any) -> None:
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        parts = ["0", "1", "2"] if source is _numbers else source
        sending = asyncio.ensure_future(_send(ws, source() if source is _numbers else source))
        expected = "".join(parts).encode() if isinstance(parts[0], str) else b"".join(parts)
        await line.peer.expect(TEXT if isinstance(parts[0], str) else BINARY, expected)
        await sending
        await line.peer.expect_silence()
        await line.close_from_peer()


async def test_5_4_a_message_waits_for_the_fragments_of_another(side: Side) -> None:
    """Fragments of two messages are never interleaved; pings may stand between them."""
    gate = asyncio.Event()

    async def slowly() -> Any:
        yield "first, "
        await gate.wait()
        yield "second"

    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        fragmented = asyncio.ensure_future(_send(ws, slowly()))
        await line.peer.receive()
        whole = asyncio.ensure_future(_send(ws, "whole"))
        await ws.ping(b"between")
        await line.peer.expect(0x9, b"between")
        assert not whole.done()
        gate.set()
        await asyncio.gather(fragmented, whole)
        rest = [await line.peer.receive()]
        while rest[-1].opcode != TEXT:
            rest.append(await line.peer.receive())
        assert b"".join(frame.payload for frame in rest[:-1]) == b"second"
        assert rest[-1].payload == b"whole"
        await line.close_from_peer()


@pytest.mark.parametrize("message", [5, None, object(), {"a": 1}], ids=type)
async def test_6_1_what_is_no_message_is_refused(side: Side, message: Any) -> None:
    async with opened(side) as line:
        ws = await line.app.connection
        with pytest.raises(TypeError):
            await ws.send(message)
        await line.peer.expect_silence()
        await line.close_from_peer()


async def test_8_1_text_with_a_lone_surrogate_is_not_sent(side: Side) -> None:
    async with opened(side) as line:
        ws = await line.app.connection
        with pytest.raises(UnicodeEncodeError):
            await ws.send("\ud800")
        await line.peer.send_frame(TEXT, b"still open")
        await line.peer.expect(TEXT, b"still open")
        await line.close_from_peer()
