"""RFC 6455 section 5.4: fragments, and what may stand between them."""

from __future__ import annotations

import pytest

from .lines import Side, opened
from .peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, chop

pytestmark = pytest.mark.engine

OPCODES = pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
CHOPS = pytest.mark.parametrize("step", [None, 1], ids=["one segment", "octets"])


@OPCODES
@pytest.mark.parametrize("parts", [2, 3, 10, 300])
async def test_5_4_fragments_are_one_message(side: Side, opcode: int, parts: int) -> None:
    async with opened(side) as line:
        for number in range(parts):
            await line.peer.send_frame(CONT if number else opcode, b"part", fin=number == parts - 1)
        await line.peer.expect(opcode, b"part" * parts)
        await line.close_from_peer()
        assert len(line.app.received) == 1


@OPCODES
@CHOPS
@pytest.mark.parametrize(
    "parts",
    [(b"", b""), (b"", b"", b""), (b"", b"middle", b""), (b"first", b""), (b"", b"last"), (b"a", b"", b"c")],
    ids=repr,
)
async def test_5_4_empty_fragments(
    side: Side, opcode: int, parts: tuple[bytes, ...], step: int | None
) -> None:
    async with opened(side) as line:
        stream = b"".join(
            line.peer.frame(CONT if at else opcode, part, fin=at == len(parts) - 1)
            for at, part in enumerate(parts)
        )
        await line.peer.send_in_pieces(chop(stream, step or len(stream)))
        await line.peer.expect(opcode, b"".join(parts))
        await line.close_from_peer()


@OPCODES
@pytest.mark.parametrize("step", [64, 256, 1000, 1300, 65536])
async def test_5_4_a_long_message_in_fragments_of_one_size(side: Side, opcode: int, step: int) -> None:
    message = b"*" * 65536
    async with opened(side) as line:
        pieces = list(chop(message, step))
        for at, piece in enumerate(pieces):
            await line.peer.send_frame(CONT if at else opcode, piece, fin=at == len(pieces) - 1)
        await line.peer.expect(opcode, message)
        await line.close_from_peer()


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE], ids=["ping", "pong", "close"])
async def test_5_4_a_fragmented_control_frame_fails(side: Side, opcode: int) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(opcode, b"", fin=False)
        await line.expect_failure(1002, "5.4", "5.5")


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE], ids=["ping", "pong", "close"])
async def test_5_4_a_fragmented_control_frame_within_a_message_fails(side: Side, opcode: int) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, b"first", fin=False)
        await line.peer.send_frame(opcode, b"", fin=False)
        await line.expect_failure(1002, "5.4", "5.5")


@CHOPS
async def test_5_4_a_ping_between_fragments_is_answered_before_the_message(
    side: Side, step: int | None
) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        stream = frame(TEXT, b"one,", fin=False) + frame(PING, b"now") + frame(CONT, b"two")
        await line.peer.send_in_pieces(chop(stream, step or len(stream)))
        await line.peer.expect(PONG, b"now")
        await line.peer.expect(TEXT, b"one,two")
        await line.close_from_peer()


async def test_5_4_a_ping_between_fragments_is_answered_while_the_message_is_incomplete(side: Side) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, b"1", fin=False)
        for number in range(5):
            await line.peer.send_frame(PING, b"%d" % number)
            await line.peer.expect(PONG, b"%d" % number)
            await line.peer.send_frame(CONT, b"+", fin=False)
        await line.peer.send_frame(CONT, b"!")
        await line.peer.expect(TEXT, b"1+++++!")
        await line.close_from_peer()


async def test_5_4_a_close_between_fragments_ends_the_connection(side: Side) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, b"never finished", fin=False)
        await line.close_from_peer()
        assert line.app.received == []


@CHOPS
@pytest.mark.parametrize("fin", [True, False], ids=["final", "not final"])
async def test_5_4_a_continuation_of_nothing_fails(side: Side, fin: bool, step: int | None) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        stream = frame(CONT, b"of nothing", fin=fin) + frame(TEXT, b"too late")
        await line.peer.send_in_pieces(chop(stream, step or len(stream)))
        await line.expect_failure(1002, "5.4")
        assert line.app.received == []


@CHOPS
@pytest.mark.parametrize("fin", [True, False], ids=["final", "not final"])
async def test_5_4_a_continuation_behind_a_whole_message_fails(
    side: Side, fin: bool, step: int | None
) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        stream = (
            frame(TEXT, b"one", fin=False)
            + frame(CONT, b"two")
            + frame(CONT, b"", fin=fin)
            + frame(TEXT, b"late")
        )
        await line.peer.send_in_pieces(chop(stream, step or len(stream)))
        await line.peer.expect(TEXT, b"onetwo")
        await line.expect_failure(1002, "5.4")


async def test_5_4_a_continuation_behind_an_unfragmented_message_fails(side: Side) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        await line.peer.send(frame(BINARY, b"whole") + frame(CONT, b"more"))
        await line.peer.expect(BINARY, b"whole")
        await line.expect_failure(1002, "5.4")


@OPCODES
@pytest.mark.parametrize("fin", [True, False], ids=["final", "not final"])
async def test_5_4_a_new_message_within_a_message_fails(side: Side, opcode: int, fin: bool) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, b"unfinished", fin=False)
        await line.peer.send_frame(opcode, b"new", fin=fin)
        await line.expect_failure(1002, "5.4")
        assert line.app.received == []


async def test_5_4_a_new_message_within_a_message_fails_at_the_header(side: Side) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, b"unfinished", fin=False)
        await line.peer.send(line.peer.frame(TEXT, b"", length=100))
        await line.expect_failure(1002, "5.4")


async def test_5_4_messages_that_follow_fragmented_ones(side: Side) -> None:
    async with opened(side) as line:
        for number in range(20):
            text = b"message %d" % number
            await line.peer.send_frame(TEXT, text[:4], fin=False)
            await line.peer.send_frame(CONT, text[4:])
            await line.peer.send_frame(BINARY, text)
        for number in range(20):
            await line.peer.expect(TEXT, b"message %d" % number)
            await line.peer.expect(BINARY, b"message %d" % number)
        await line.close_from_peer()
