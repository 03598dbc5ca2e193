"""RFC 6455 sections 5.1 to 5.3 and 5.6, 5.7: sizes, masks, reserved bits, opcodes, lengths."""

from __future__ import annotations

import itertools

import pytest

from .lines import Side, keep_silent, opened
from .peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, Frame, chop, close_payload, encode

pytestmark = pytest.mark.engine

SIZES = (0, 1, 4, 5, 125, 126, 127, 128, 4095, 16384, 65535, 65536, 65537, 300_000)


@pytest.mark.parametrize("size", SIZES)
async def test_5_2_text_of_any_length_is_echoed(side: Side, size: int) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, b"*" * size)
        await line.peer.expect(TEXT, b"*" * size)
        await line.close_from_peer()
        assert line.app.received == ["*" * size]


@pytest.mark.parametrize("size", SIZES)
async def test_5_2_binary_of_any_length_is_echoed(side: Side, size: int) -> None:
    payload = bytes(at * 7 % 256 for at in range(min(size, 251))) * (size // 251 + 1)
    async with opened(side) as line:
        await line.peer.send_frame(BINARY, payload[:size])
        await line.peer.expect(BINARY, payload[:size])
        await line.close_from_peer()
        assert line.app.received == [payload[:size]]


@pytest.mark.parametrize(
    ("size", "step"), [(3, 1), (125, 1), (126, 1), (300, 1), (65536, 997), (70_000, 4093)]
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
async def test_5_2_a_frame_in_chops_is_one_message(side: Side, opcode: int, size: int, step: int) -> None:
    async with opened(side) as line:
        frame = line.peer.frame(opcode, b"*" * size)
        await line.peer.send_in_pieces(chop(frame, step))
        await line.peer.expect(opcode, b"*" * size)
        await line.close_from_peer()
        assert len(line.app.received) == 1


@pytest.mark.parametrize("size", [5, 126, 65536])
async def test_5_2_a_frame_cut_in_two_at_every_byte_of_its_header(side: Side, size: int) -> None:
    async with opened(side) as line:
        for cut in range(1, 16):
            frame = line.peer.frame(TEXT, b"x" * size)
            await line.peer.send_in_pieces([frame[:cut], frame[cut:]])
            await line.peer.expect(TEXT, b"x" * size)
        await line.close_from_peer()


async def test_5_2_many_frames_in_one_segment_arrive_in_order(side: Side) -> None:
    async with opened(side) as line:
        frames = [line.peer.frame(TEXT, str(number).encode()) for number in range(500)]
        await line.peer.send(b"".join(frames))
        for number in range(500):
            await line.peer.expect(TEXT, str(number).encode())
        await line.close_from_peer()


@pytest.mark.parametrize("step", [2, 3, 7, 11, 64])
async def test_5_2_frames_that_straddle_reads(side: Side, step: int) -> None:
    async with opened(side) as line:
        payloads = [b"." * size for size in (0, 1, 125, 126, 2, 130)]
        stream = b"".join(line.peer.frame(BINARY, payload) for payload in payloads)
        await line.peer.send_in_pieces(chop(stream, step))
        for payload in payloads:
            await line.peer.expect(BINARY, payload)
        await line.close_from_peer()


# Section 5.1: a client masks every frame, a server masks none.


@pytest.mark.parametrize(
    "opcode", [TEXT, BINARY, PING, PONG, CLOSE], ids=["text", "binary", "ping", "pong", "close"]
)
@pytest.mark.parametrize("payload", [b"", b"\x03\xe8ok"], ids=["empty", "payload"])
async def test_5_1_wrong_masking_fails(side: Side, opcode: int, payload: bytes) -> None:
    async with opened(side) as line:
        mask = None if line.subject_is_server else b"\1\2\3\4"
        await line.peer.send_frame(opcode, payload, mask=mask)
        await line.expect_failure(1002, "5.1", "5.3")
        assert line.app.received == []


async def test_5_1_wrong_masking_fails_at_the_header(side: Side) -> None:
    """The payload of a frame that is wrong already is not waited for."""
    async with opened(side) as line:
        mask = None if line.subject_is_server else b"\1\2\3\4"
        frame = line.peer.frame(BINARY, b"." * 1000, mask=mask)
        await line.peer.send(frame[:8])
        await line.expect_failure(1002, "5.1", "5.3")


async def test_5_1_wrong_masking_of_a_continuation_fails(side: Side) -> None:
    async with opened(side) as line:
        mask = None if line.subject_is_server else b"\1\2\3\4"
        await line.peer.send_frame(TEXT, b"first", fin=False)
        await line.peer.send_frame(CONT, b"second", mask=mask)
        await line.expect_failure(1002, "5.1", "5.3")


@pytest.mark.parametrize(
    "mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\1\0\0\0", b"\0\0\0\x80"], ids=bytes.hex
)
async def test_5_3_any_mask_is_taken_off(mask: bytes) -> None:
    async with opened("server") as line:
        for size in (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 1000):
            payload = bytes(at % 256 for at in range(size))
            await line.peer.send_frame(BINARY, payload, mask=mask)
            await line.peer.expect(BINARY, payload)
        await line.close_from_peer()


async def test_5_3_a_client_takes_a_fresh_mask_for_each_frame() -> None:
    async with opened("client") as line:
        for _ in range(200):
            await line.peer.send_frame(TEXT, b"again")
            await line.peer.send_frame(PING, b"again")
        masks = []
        while len(masks) < 400:
            frame = await line.peer.receive()
            assert isinstance(frame, Frame)
            masks.append(frame.mask)
        # 400 random keys of 32 bits: two equal ones come up once in 50,000 runs, three practically never.
        assert len(set(masks)) >= 399
        await line.close_from_peer()


async def test_5_3_masks_do_not_follow_from_one_another() -> None:
    """No bit is constant, and no difference of neighbours repeats."""
    async with opened("client") as line:
        keys = []
        for _ in range(200):
            await line.peer.send_frame(TEXT, b"again")
            frame = await line.peer.receive()
            assert isinstance(frame, Frame)
            assert frame.mask is not None
            keys.append(int.from_bytes(frame.mask))
        for bit in range(32):
            ones = sum(key >> bit & 1 for key in keys)
            assert 40 < ones < 160, f"bit {bit} is set in {ones} of 200 keys"
        differences = {(after - before) % 2**32 for before, after in itertools.pairwise(keys)}
        assert len(differences) >= 198
        await line.close_from_peer()


async def test_5_1_a_server_masks_no_frame() -> None:
    """The peer checks each frame; here they are of all kinds and sizes."""
    async with opened("server") as line:
        for opcode, size in itertools.product((TEXT, BINARY), (0, 5, 126, 65536)):
            await line.peer.send_frame(opcode, b"m" * size)
            await line.peer.expect(opcode, b"m" * size)
        await line.peer.send_frame(PING, b"m")
        await line.peer.expect(PONG, b"m")
        await line.close_from_peer()
        assert all(frame.mask is None for frame in line.peer.frames)


# Section 5.2: reserved bits, opcodes, lengths.


@pytest.mark.parametrize("rsv", range(1, 8), ids=lambda rsv: f"RSV={rsv:03b}")
@pytest.mark.parametrize(
    ("opcode", "payload"),
    [
        (TEXT, b"Hello"),
        (BINARY, b"\0\xff"),
        (PING, b"p"),
        (PONG, b""),
        (CLOSE, close_payload(1000)),
        (TEXT, b""),
    ],
    ids=["text", "binary", "ping", "pong", "close", "empty text"],
)
async def test_5_2_reserved_bits_fail(side: Side, opcode: int, payload: bytes, rsv: int) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(opcode, payload, rsv=rsv)
        await line.expect_failure(1002, "5.2")
        assert line.app.received == []


@pytest.mark.parametrize("rsv", [4, 2, 1])
async def test_5_2_reserved_bits_of_a_continuation_fail(side: Side, rsv: int) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, b"first", fin=False)
        await line.peer.send_frame(CONT, b"second", rsv=rsv)
        await line.expect_failure(1002, "5.2")


@pytest.mark.parametrize("step", [None, 1, 5], ids=["one segment", "octets", "fives"])
@pytest.mark.parametrize("rsv", [2, 3, 4])
async def test_5_2_what_preceded_the_reserved_bits_is_answered_first(
    side: Side, rsv: int, step: int | None
) -> None:
    """The good message is delivered and echoed; the ping behind the bad frame is not answered (7.1.7)."""
    async with opened(side) as line:
        frame = line.peer.frame
        stream = frame(TEXT, b"good") + frame(TEXT, b"bad", rsv=rsv) + frame(PING)
        await line.peer.send_in_pieces(chop(stream, step or len(stream)))
        await line.peer.expect(TEXT, b"good")
        await line.expect_failure(1002, "5.2")
        assert line.app.received == ["good"]


RESERVED_OPCODES = (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)


@pytest.mark.parametrize("payload", [b"", b"reserved"], ids=["empty", "payload"])
@pytest.mark.parametrize("opcode", RESERVED_OPCODES)
async def test_5_2_reserved_opcodes_fail(side: Side, opcode: int, payload: bytes) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(opcode, payload)
        await line.expect_failure(1002, "5.2")


@pytest.mark.parametrize("opcode", RESERVED_OPCODES)
async def test_5_2_what_preceded_the_reserved_opcode_is_answered_first(side: Side, opcode: int) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        await line.peer.send(frame(TEXT, b"good") + frame(opcode, b"bad") + frame(PING))
        await line.peer.expect(TEXT, b"good")
        await line.expect_failure(1002, "5.2")


@pytest.mark.parametrize("opcode", RESERVED_OPCODES)
async def test_5_2_reserved_opcodes_within_a_message_fail(side: Side, opcode: int) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, b"first", fin=False)
        await line.peer.send_frame(opcode, b"")
        await line.expect_failure(1002, "5.2")


@pytest.mark.parametrize(
    ("length", "size"),
    [(0, 2), (1, 2), (124, 2), (125, 2), (0, 8), (125, 8), (126, 8), (65535, 8)],
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING], ids=["text", "binary", "ping"])
async def test_5_2_a_length_in_more_bytes_than_needed_fails(
    side: Side, opcode: int, length: int, size: int
) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(opcode, b"." * length, length_size=size)
        await line.expect_failure(1002, "5.2", "5.5")


async def test_5_2_a_length_that_is_not_minimal_fails_at_the_header(side: Side) -> None:
    async with opened(side) as line:
        await line.peer.send(line.peer.frame(BINARY, b"", length=124, length_size=2))
        await line.expect_failure(1002, "5.2")


@pytest.mark.parametrize("length", [2**63, 2**63 + 5, 2**64 - 1], ids=hex)
async def test_5_2_the_top_bit_of_a_64_bit_length_fails(side: Side, length: int) -> None:
    async with opened(side, max_size=None) as line:
        await line.peer.send(line.peer.frame(BINARY, b"some", length=length, length_size=8))
        await line.expect_failure(1002, "5.2")


# Section 5.7: the examples, byte for byte.

HELLO = "37 fa 21 3d 7f 9f 4d 51 58"


@pytest.mark.parametrize(
    ("role", "wire", "message"),
    [
        ("client", "81 05 48 65 6c 6c 6f", "Hello"),
        ("server", "81 85" + HELLO, "Hello"),
        ("client", "01 03 48 65 6c 80 02 6c 6f", "Hello"),
        ("client", "82 7E 0100" + "61" * 256, b"a" * 256),
        ("client", "82 7F 0000000000010000" + "61" * 65536, b"a" * 65536),
    ],
    ids=["unmasked text", "masked text", "fragmented text", "256 bytes", "64 KiB"],
)
async def test_5_7_examples_are_received(role: Side, wire: str, message: str | bytes) -> None:
    async with opened(role, keep_silent) as line:
        await line.peer.send(bytes.fromhex(wire))
        await line.peer.expect_silence()
        assert line.app.received == [message]
        await line.close_from_peer()


async def test_5_7_the_example_ping_is_answered() -> None:
    async with opened("client") as line:
        await line.peer.send(bytes.fromhex("89 05 48 65 6c 6c 6f"))
        await line.peer.expect(PONG, b"Hello")
        await line.close_from_peer()
    assert encode(PONG, b"Hello", mask=bytes.fromhex("37fa213d")) == bytes.fromhex("8a 85" + HELLO)
