"""RFC 7692 sections 6 and 7.2: compressed messages, their bits, their fragments, and their limits."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import zlib
from typing import Any

import pytest

from . import subject
from .lines import Side, keep_silent, opened
from .peer import BINARY, CLOSE, CONT, PING, PONG, RSV1, RSV2, TEXT, Frame, chop, close_payload
from .test_deflate_negotiation import NAME, Codec
from .utf8_sequences import GREEK

pytestmark = pytest.mark.engine


def deflating(side: Side, *arguments: Any, answer: str = NAME, **options: Any) -> Any:
    """A line on which permessage-deflate is agreed, with the parameters of `answer`."""
    return opened(side, *arguments, extension_header=answer, compression="deflate", **options)


def codec_of(line: Any, answer: str = NAME) -> Codec:
    """Without parameters either side may use 15 bits, and what the server agrees to on its own is less."""
    fields = [field.strip().partition("=") for field in answer.split(";")[1:]]
    parameters = {key: value if equals else None for key, equals, value in fields}
    return Codec(parameters, peer_is_client=line.subject_is_server)


# Section 7.2.3: the examples, byte for byte.

EXAMPLES: dict[str, list[str]] = {
    "7.2.3.1 one block": ["f2 48 cd c9 c9 07 00"],
    "7.2.3.2 sharing the window": ["f2 48 cd c9 c9 07 00", "f2 00 11 00 00"],
    "7.2.3.3 a block without compression": ["00 05 00 fa ff 48 65 6c 6c 6f 00"],
    "7.2.3.4 BFINAL": ["f3 48 cd c9 c9 07 00 00"],
    "7.2.3.4 BFINAL in each message": ["f3 48 cd c9 c9 07 00 00"] * 3,
    "7.2.3.4 BFINAL, then others": ["f3 48 cd c9 c9 07 00 00", "f2 48 cd c9 c9 07 00", "f2 00 11 00 00"],
    "7.2.3.5 two blocks": ["f2 48 05 00 00 00 ff ff ca c9 c9 07 00"],
}


@pytest.mark.parametrize("payloads", EXAMPLES.values(), ids=EXAMPLES)
async def test_7_2_3_examples_are_received(side: Side, payloads: list[str]) -> None:
    async with deflating(side, keep_silent) as line:
        for payload in payloads:
            await line.peer.send_frame(TEXT, bytes.fromhex(payload), rsv=RSV1)
        await line.peer.expect_silence()
        assert line.app.received == ["Hello"] * len(payloads)
        await line.close_from_peer()


async def test_7_2_3_1_a_fragmented_example(side: Side) -> None:
    async with deflating(side, keep_silent) as line:
        await line.peer.send_frame(TEXT, bytes.fromhex("f2 48 cd"), rsv=RSV1, fin=False)
        await line.peer.send_frame(CONT, bytes.fromhex("c9 c9 07 00"))
        await line.peer.expect_silence()
        assert line.app.received == ["Hello"]
        await line.close_from_peer()


@pytest.mark.parametrize("payload", ["00", "02 00", "03 00 00"], ids=["7.2.3.6", "fixed", "final"])
async def test_7_2_3_6_an_empty_message(side: Side, payload: str) -> None:
    if subject.NAME == "websockets" and payload == "03 00 00":
        pytest.skip("websockets reads nothing behind a final block")
    async with deflating(side, keep_silent) as line:
        await line.peer.send_frame(TEXT, bytes.fromhex(payload), rsv=RSV1)
        await line.peer.send_frame(TEXT, bytes.fromhex("f2 48 cd c9 c9 07 00"), rsv=RSV1)
        await line.peer.expect_silence()
        assert line.app.received == ["", "Hello"]
        await line.close_from_peer()


# Section 6: the bit, and what may carry it


async def test_6_messages_without_the_bit_are_not_inflated(side: Side) -> None:
    async with deflating(side) as line:
        codec = codec_of(line)
        for text in (b"plain", b"compressed", b"plain", b"compressed again"):
            compressed = text.startswith(b"c")
            payload = codec.compress(text) if compressed else text
            await line.peer.send_frame(TEXT, payload, rsv=RSV1 if compressed else 0)
            frame = await line.peer.receive()
            assert isinstance(frame, Frame)
            assert (codec.inflate(frame.payload) if frame.rsv else frame.payload) == text
        await line.close_from_peer()


@pytest.mark.parametrize(
    ("opcode", "payload"),
    [(PING, b"p"), (PONG, b""), (CLOSE, close_payload(1000))],
    ids=["ping", "pong", "close"],
)
async def test_6_1_the_bit_on_a_control_frame_fails(side: Side, opcode: int, payload: bytes) -> None:
    async with deflating(side) as line:
        await line.peer.send_frame(opcode, payload, rsv=RSV1)
        await line.expect_failure(1002)


@pytest.mark.parametrize("first", [RSV1, 0], ids=["compressed", "plain"])
async def test_6_1_the_bit_on_a_continuation_fails(side: Side, first: int) -> None:
    async with deflating(side) as line:
        await line.peer.send_frame(TEXT, bytes.fromhex("f2 48 cd") if first else b"Hel", rsv=first, fin=False)
        await line.peer.send_frame(CONT, bytes.fromhex("c9 c9 07 00"), rsv=RSV1)
        await line.expect_failure(1002)


@pytest.mark.parametrize("rsv", [RSV2, 1, RSV1 | RSV2, 7])
async def test_5_2_the_other_bits_stay_reserved(side: Side, rsv: int) -> None:
    async with deflating(side) as line:
        await line.peer.send_frame(TEXT, bytes.fromhex("f2 48 cd c9 c9 07 00"), rsv=rsv)
        await line.expect_failure(1002, "5.2")


async def test_6_control_frames_between_compressed_fragments(side: Side) -> None:
    async with deflating(side, keep_silent) as line:
        payload = codec_of(line).compress(b"between the fragments " * 10)
        await line.peer.send_frame(TEXT, payload[:5], rsv=RSV1, fin=False)
        await line.peer.send_frame(PING, b"now")
        await line.peer.expect(PONG, b"now")
        await line.peer.send_frame(CONT, payload[5:])
        await line.peer.expect_silence()
        assert line.app.received == ["between the fragments " * 10]
        await line.close_from_peer()


# Section 7.2: compressing and inflating, with all parameters

ANSWERS = [
    NAME,
    f"{NAME}; server_no_context_takeover",
    f"{NAME}; client_no_context_takeover",
    f"{NAME}; server_no_context_takeover; client_no_context_takeover",
    f"{NAME}; server_max_window_bits=9",
    f"{NAME}; server_max_window_bits=15",
    f"{NAME}; server_max_window_bits=12; server_no_context_takeover",
]
# As offers these mean the same to a server as they do as answers to a client.


def payload_of(kind: str, size: int) -> bytes:
    if kind == "text":
        return (b"The line is open, and each word on it is carried to the other end. " * (size // 66 + 1))[
            :size
        ]
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("kind", ["text", "random"])
@pytest.mark.parametrize("answer", ANSWERS)
async def test_7_2_messages_of_all_sizes(side: Side, answer: str, kind: str) -> None:
    opcode = TEXT if kind == "text" else BINARY
    async with deflating(side, answer=answer) as line:
        codec = codec_of(line, answer)
        for size in (0, 1, 16, 64, 125, 126, 256, 1024, 4096, 8192, 32768, 65536, 131072, 64):
            data = payload_of(kind, size)
            async with asyncio.TaskGroup() as group:
                group.create_task(line.peer.send_frame(opcode, codec.compress(data), rsv=RSV1))
                frame = await line.peer.receive_message()
            assert frame.opcode == opcode
            assert (codec.inflate(frame.payload) if frame.rsv else frame.payload) == data
        await line.close_from_peer()


@pytest.mark.parametrize("step", [1, 16, 1024])
async def test_7_2_compressed_messages_in_fragments(side: Side, step: int) -> None:
    async with deflating(side) as line:
        codec = codec_of(line)
        for size in (1, 100, 5000 if step > 1 else 300):
            data = payload_of("text", size)
            pieces = list(chop(codec.compress(data), step))
            for at, piece in enumerate(pieces):
                await line.peer.send_frame(
                    CONT if at else TEXT, piece, rsv=0 if at else RSV1, fin=at == len(pieces) - 1
                )
            frame = await line.peer.receive_message()
            assert (codec.inflate(frame.payload) if frame.rsv else frame.payload) == data
        await line.close_from_peer()


async def test_7_2_a_compressed_frame_in_chops(side: Side) -> None:
    async with deflating(side) as line:
        codec = codec_of(line)
        data = payload_of("text", 3000)
        await line.peer.send_in_pieces(chop(line.peer.frame(TEXT, codec.compress(data), rsv=RSV1), 1))
        frame = await line.peer.receive_message()
        assert (codec.inflate(frame.payload) if frame.rsv else frame.payload) == data
        await line.close_from_peer()


async def test_7_1_1_context_takeover_makes_repetitions_shorter(side: Side) -> None:
    """Messages of one connection share a window where both agreed to it. Our side may restart it at will."""
    async with deflating(side, keep_silent) as line:
        codec = codec_of(line)
        text = os.urandom(200).hex().encode()
        first, second = codec.compress(text), codec.compress(text)
        assert len(second) < len(first) // 4
        await line.peer.send_frame(TEXT, first, rsv=RSV1)
        await line.peer.send_frame(TEXT, second, rsv=RSV1)
        await line.peer.expect_silence()
        assert line.app.received == [text.decode()] * 2
        await line.close_from_peer()


async def test_7_1_1_without_takeover_each_message_stands_alone(side: Side) -> None:
    role = "server" if side.startswith("server") else "client"
    async with deflating(side, answer=f"{NAME}; {role}_no_context_takeover") as line:
        text = payload_of("text", 500)
        for _ in range(3):
            await line.peer.send_frame(TEXT, text)
            frame = await line.peer.receive()
            assert isinstance(frame, Frame)
            assert frame.rsv == RSV1, "500 bytes of prose are worth compressing"
            assert zlib.decompressobj(-15).decompress(frame.payload + b"\0\0\xff\xff") == text
        await line.close_from_peer()


async def test_7_1_1_a_reference_to_a_window_that_was_given_up_fails(side: Side) -> None:
    other = "client" if side.startswith("server") else "server"
    async with deflating(side, answer=f"{NAME}; {other}_no_context_takeover") as line:
        text = os.urandom(100).hex().encode()
        cheat = Codec({}, peer_is_client=True)  # one compressor for all messages
        await line.peer.send_frame(TEXT, cheat.compress(text), rsv=RSV1)
        await line.peer.receive()
        await line.peer.send_frame(TEXT, cheat.compress(text), rsv=RSV1)
        await _expect_failure_of(line, 1002, 1007)


async def _expect_failure_of(line: Any, *codes: int) -> None:
    frame = await line.peer.receive()
    assert isinstance(frame, Frame)
    assert (frame.opcode, frame.code in codes) == (CLOSE, True), frame
    await line.expect_tcp_end()


CORRUPT = {
    "a reserved block type": bytes.fromhex("07 00"),
    "a reference before the start": bytes.fromhex("f2 00 11 00 00"),
    "a stored block with wrong lengths": bytes.fromhex("00 05 00 00 00 48 65 6c 6c 6f 00"),
    "random bytes": bytes.fromhex("ff ff ff ff ff ff"),
}


@pytest.mark.parametrize("payload", CORRUPT.values(), ids=CORRUPT)
async def test_7_2_2_data_that_does_not_inflate_fails(side: Side, payload: bytes) -> None:
    async with deflating(side) as line:
        await line.peer.send_frame(TEXT, payload, rsv=RSV1)
        await _expect_failure_of(line, 1002, 1007)
        assert line.app.received == []


async def test_8_1_inflated_text_must_be_utf8(side: Side) -> None:
    async with deflating(side) as line:
        await line.peer.send_frame(TEXT, codec_of(line).compress(b"good until here \xff"), rsv=RSV1)
        await line.expect_failure(1007, "8.1", "5.6")


async def test_8_1_inflated_text_is_checked_as_it_arrives(side: Side) -> None:
    async with deflating(side) as line:
        payload = codec_of(line).compress(GREEK.encode() + b"\xed\xa0\x80" + os.urandom(2000).hex().encode())
        await line.peer.send_frame(TEXT, payload[:1500], rsv=RSV1, fin=False)
        await line.expect_failure(1007, "8.1", "5.6")


# What the subject sends


async def test_7_2_1_the_application_may_leave_a_message_uncompressed(side: Side) -> None:
    if subject.NAME == "websockets":
        pytest.skip("websockets has no compress= for one message")
    async with deflating(side, keep_silent) as line:
        ws = await line.app.connection
        text = "compress me if you can " * 50
        await ws.send(text, compress=False)
        frame = await line.peer.receive()
        assert isinstance(frame, Frame)
        assert (frame.rsv, frame.payload) == (0, text.encode())
        await ws.send(text)
        frame = await line.peer.receive()
        assert isinstance(frame, Frame)
        assert frame.rsv == RSV1
        assert codec_of(line).inflate(frame.payload) == text.encode()
        await line.close_from_peer()


async def test_7_2_1_small_messages_are_left_uncompressed(side: Side) -> None:
    if subject.NAME == "websockets":
        pytest.skip("websockets compresses everything")
    async with deflating(side, keep_silent) as line:
        ws = await line.app.connection
        await ws.send("tiny")
        frame = await line.peer.receive()
        assert isinstance(frame, Frame)
        assert (frame.rsv, frame.payload) == (0, b"tiny")
        await line.close_from_peer()


async def test_7_2_1_a_fragmented_message_of_the_application(side: Side) -> None:
    async with deflating(side, keep_silent) as line:
        ws = await line.app.connection
        parts = ["The first part, " * 20, "", "the second, " * 20, "and the last. " * 20]
        await ws.send(parts)
        frames = [await line.peer.receive()]
        while not frames[-1].fin:
            frames.append(await line.peer.receive())
        assert [frame.rsv for frame in frames[1:]] == [0] * (len(frames) - 1), (
            "section 6.1: the bit stands on the first"
        )
        payload = b"".join(frame.payload for frame in frames)
        text = codec_of(line).inflate(payload) if frames[0].rsv else payload
        assert text == "".join(parts).encode()
        await line.close_from_peer()


# Limits (RFC 6455 section 10.4)


def bomb(megabytes: int) -> bytes:
    """Zeros, compressed about a thousandfold, without ever holding them."""
    compressor = zlib.compressobj(9, wbits=-15)
    block = bytes(2**20)
    data = b"".join(compressor.compress(block) for _ in range(megabytes))
    return (data + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


BOMB = bomb(200)


@pytest.mark.parametrize("shape", ["one frame", "fragments"])
async def test_10_4_a_bomb_never_unfolds(side: Side, shape: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with deflating(side, keep_silent) as line:
        pieces = [BOMB] if shape == "one frame" else list(chop(BOMB, 1000))
        stream = b"".join(
            line.peer.frame(CONT if at else BINARY, piece, rsv=0 if at else RSV1, fin=at == len(pieces) - 1)
            for at, piece in enumerate(pieces)
        )
        await line.peer.send(stream)
        await line.expect_failure(1009)
        assert line.app.received == []
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000, f"{grown} KiB"  # a quarter of what it would unfold to


async def test_10_4_a_bomb_fails_before_its_frame_is_complete(side: Side) -> None:
    async with deflating(side, keep_silent) as line:
        frame = line.peer.frame(BINARY, BOMB, rsv=RSV1)
        await line.peer.send(frame[: len(frame) // 2])
        await line.expect_failure(1009)


@pytest.mark.parametrize("size", [999, 1000])
async def test_10_4_an_inflated_message_of_max_size_passes(side: Side, size: int) -> None:
    async with deflating(side, keep_silent, max_size=1000) as line:
        await line.peer.send_frame(BINARY, codec_of(line).compress(b"x" * size), rsv=RSV1)
        await line.peer.expect_silence()
        assert line.app.received == [b"x" * size]
        await line.close_from_peer()


@pytest.mark.parametrize("size", [1001, 5000, 100_000])
async def test_10_4_an_inflated_message_over_max_size_fails(side: Side, size: int) -> None:
    async with deflating(side, keep_silent, max_size=1000) as line:
        await line.peer.send_frame(BINARY, codec_of(line).compress(b"x" * size), rsv=RSV1)
        await line.expect_failure(1009)


async def test_10_4_a_compressed_frame_over_max_size_fails_at_its_header(side: Side) -> None:
    async with deflating(side, keep_silent, max_size=1000) as line:
        await line.peer.send(line.peer.frame(BINARY, b"", rsv=RSV1, length=100_000))
        await line.expect_failure(1009)
