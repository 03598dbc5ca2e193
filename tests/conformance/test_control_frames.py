"""RFC 6455 sections 5.5, 5.5.2 and 5.5.3: pings, pongs, and their limits. Close frames: test_closing.py."""

from __future__ import annotations

import pytest

from .lines import Side, keep_silent, opened
from .peer import BINARY, CLOSE, PING, PONG, TEXT, chop

pytestmark = pytest.mark.engine

NOT_UTF8 = bytes.fromhex("00 ff fe fd fc fb 00 ff")


@pytest.mark.parametrize("step", [None, 1], ids=["one segment", "octets"])
@pytest.mark.parametrize("payload", [b"", b"Hello", NOT_UTF8, b"." * 124, b"\xfe" * 125], ids=len)
async def test_5_5_2_a_ping_is_answered_with_its_payload(
    side: Side, payload: bytes, step: int | None
) -> None:
    async with opened(side) as line:
        frame = line.peer.frame(PING, payload)
        await line.peer.send_in_pieces(chop(frame, step or len(frame)))
        await line.peer.expect(PONG, payload)
        await line.close_from_peer()


@pytest.mark.parametrize("step", [None, 1, 50], ids=["one segment", "octets", "fifties"])
async def test_5_5_2_pings_in_a_row_are_answered_in_order(side: Side, step: int | None) -> None:
    """Output is never blocked here, so that each of them is answered (5.5.3)."""
    async with opened(side) as line:
        stream = b"".join(line.peer.frame(PING, b"ping %d" % number) for number in range(10))
        await line.peer.send_in_pieces(chop(stream, step or len(stream)))
        for number in range(10):
            await line.peer.expect(PONG, b"ping %d" % number)
        await line.close_from_peer()


async def test_5_5_2_a_ping_is_answered_though_the_application_does_not_read() -> None:
    async def stuck(ws: object, message: str | bytes) -> None:
        await ws.wait_closed()  # type: ignore[attr-defined]

    async with opened("server", stuck) as line:
        await line.peer.send_frame(TEXT, b"stop here")
        for number in range(5):
            await line.peer.send_frame(PING, b"%d" % number)
            await line.peer.expect(PONG, b"%d" % number)
        await line.close_from_peer()


async def test_5_5_2_pings_and_messages_interleave(side: Side) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        await line.peer.send(frame(TEXT, b"one") + frame(PING, b"p") + frame(TEXT, b"two"))
        got = [await line.peer.receive() for _ in range(3)]
        assert [(f.opcode, f.payload) for f in got if f.opcode == PONG] == [(PONG, b"p")]
        assert [f.payload for f in got if f.opcode == TEXT] == [b"one", b"two"]
        await line.close_from_peer()


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE], ids=["ping", "pong", "close"])
@pytest.mark.parametrize("length", [126, 127, 65535, 65536])
async def test_5_5_a_control_frame_over_125_bytes_fails(side: Side, opcode: int, length: int) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(opcode, b"\x03\xe8" + b"." * (length - 2))
        await line.expect_failure(1002, "5.5")


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE], ids=["ping", "pong", "close"])
async def test_5_5_a_long_control_frame_fails_at_the_header(side: Side, opcode: int) -> None:
    async with opened(side) as line:
        await line.peer.send(line.peer.frame(opcode, b"", length=126))
        await line.expect_failure(1002, "5.5")


@pytest.mark.parametrize("payload", [b"", b"unsolicited", NOT_UTF8], ids=["empty", "payload", "not UTF-8"])
async def test_5_5_3_an_unsolicited_pong_gets_no_answer(side: Side, payload: bytes) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(PONG, payload)
        await line.peer.expect_silence()
        await line.close_from_peer()
        assert line.app.received == []


async def test_5_5_3_a_pong_answers_the_ping_of_the_application(side: Side) -> None:
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        answered = await ws.ping(b"are you there")
        await line.peer.expect(PING, b"are you there")
        await line.peer.send_frame(PONG, b"someone else")
        await line.peer.expect_silence()
        assert not answered.done()
        await line.peer.send_frame(PONG, b"are you there")
        assert await answered >= 0
        await line.close_from_peer()


async def test_5_5_3_a_pong_answers_the_pings_before_it_too(side: Side) -> None:
    """Only the newest ping needs an answer, so that an answer to it stands for all of them."""
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        answers = [await ws.ping(b"%d" % number) for number in range(4)]
        for number in range(4):
            await line.peer.expect(PING, b"%d" % number)
        await line.peer.send_frame(PONG, b"2")
        for answer in answers[:3]:
            await answer
        await line.peer.expect_silence()
        assert not answers[3].done()
        await line.close_from_peer()
        with pytest.raises(Exception, match=r"close|1000"):
            await answers[3]


async def test_5_5_3_an_application_may_send_a_pong(side: Side) -> None:
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        await ws.pong(b"heartbeat")
        await line.peer.expect(PONG, b"heartbeat")
        await line.close_from_peer()


async def test_5_5_control_frames_of_the_application_stay_within_125_bytes(side: Side) -> None:
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        for send in (ws.ping, ws.pong):
            with pytest.raises(Exception, match=r"125|too long|control frame"):
                await send(b"." * 126)
        await line.peer.send_frame(BINARY, b"still open")
        await line.peer.expect_silence()
        await line.close_from_peer()
