"""RFC 6455 sections 5.6 and 8.1: text is UTF-8, and a fault is found at its first byte."""

from __future__ import annotations

import pytest

from .lines import Side, opened
from .peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, chop, close_payload
from .utf8_sequences import GREEK, INVALID, VALID, Invalid

pytestmark = pytest.mark.engine

INVALIDS = pytest.mark.parametrize("bad", INVALID.values(), ids=INVALID)


COMPLETIONS = [bytes.fromhex(tail) for tail in ("", "80", "bf", "8080", "a080", "808080", "908080")]


def test_the_sequences_are_what_they_say() -> None:
    for name, text in VALID.items():
        assert text.encode().decode() == text, name
    for name, bad in INVALID.items():
        with pytest.raises(UnicodeDecodeError) as raised:
            bad.data.decode()
        # Python reports where the bad sequence starts and the byte after it: the wrong byte is one of these.
        assert raised.value.start <= bad.wrong_at <= raised.value.end, name
        # Up to the wrong byte, some continuation makes it good.
        assert any(_is_utf8(bad.data[: bad.wrong_at] + tail) for tail in COMPLETIONS), name


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("text", VALID.values(), ids=VALID)
async def test_5_6_valid_text_is_echoed(side: Side, text: str) -> None:
    """Whole, in fragments of one byte, and in chops of one byte: characters are split everywhere."""
    data = text.encode()
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, data)
        await line.peer.expect(TEXT, data)
        for at in range(len(data)):
            await line.peer.send_frame(CONT if at else TEXT, data[at : at + 1], fin=at == len(data) - 1)
        await line.peer.expect(TEXT, data)
        await line.peer.send_in_pieces(chop(line.peer.frame(TEXT, data), 1))
        await line.peer.expect(TEXT, data)
        await line.close_from_peer()
        assert line.app.received == [text] * 3


@INVALIDS
async def test_8_1_invalid_text_fails(role: Side, bad: Invalid) -> None:
    async with opened(role) as line:
        await line.peer.send_frame(TEXT, bad.data)
        await line.expect_failure(1007, "8.1", "5.6")
        assert line.app.received == []


@INVALIDS
async def test_8_1_invalid_text_in_fragments_fails_at_its_first_wrong_byte(role: Side, bad: Invalid) -> None:
    """What follows the wrong byte is never sent, and the message is never finished."""
    async with opened(role) as line:
        at_the_end = bad.wrong_at == len(bad.data)
        for at in range(min(bad.wrong_at + 1, len(bad.data))):
            await line.peer.send_frame(CONT if at else TEXT, bad.data[at : at + 1], fin=False)
        if at_the_end:
            await line.peer.expect_silence()
            await line.peer.send_frame(CONT, b"")
        await line.expect_failure(1007, "8.1", "5.6")
        assert line.app.received == []


@INVALIDS
async def test_8_1_invalid_text_in_chops_fails_at_its_first_wrong_byte(role: Side, bad: Invalid) -> None:
    """The frame is never finished: its payload is checked as it arrives."""
    if bad.wrong_at == len(bad.data):
        bad = Invalid(bad.data + b" ", bad.wrong_at)  # so that a byte shows it
    async with opened(role) as line:
        frame = line.peer.frame(TEXT, bad.data + b"." * 20)
        head = len(frame) - len(bad.data) - 20
        good = frame[: head + bad.wrong_at]
        await line.peer.send_in_pieces(chop(good, 1))
        await line.peer.expect_nothing_yet()
        await line.peer.send(frame[head + bad.wrong_at :][:1])
        await line.expect_failure(1007, "8.1", "5.6")


async def test_8_1_a_fault_in_a_long_frame_fails_before_its_end(side: Side) -> None:
    async with opened(side) as line:
        frame = line.peer.frame(TEXT, b"." * 40_000 + b"\xff" + b"." * 500_000)
        await line.peer.send(frame[:50_000])
        await line.expect_failure(1007, "8.1", "5.6")


async def test_8_1_what_preceded_invalid_text_is_answered_first(side: Side) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        await line.peer.send(frame(TEXT, b"good") + frame(TEXT, b"\xff") + frame(PING))
        await line.peer.expect(TEXT, b"good")
        await line.expect_failure(1007, "8.1", "5.6")


async def test_8_1_a_character_split_by_a_control_frame(side: Side) -> None:
    data = GREEK.encode()
    async with opened(side) as line:
        await line.peer.send_frame(TEXT, data[:3], fin=False)
        await line.peer.send_frame(PING, b"\xff")
        await line.peer.send_frame(CONT, data[3:])
        await line.peer.expect(PONG, b"\xff")
        await line.peer.expect(TEXT, data)
        await line.close_from_peer()


async def test_8_1_a_character_is_not_completed_by_the_next_message(side: Side) -> None:
    async with opened(side) as line:
        data = GREEK.encode()
        await line.peer.send_frame(TEXT, data[:3])
        await line.peer.send_frame(TEXT, data[3:])
        await line.expect_failure(1007, "8.1", "5.6")


@pytest.mark.parametrize(
    "data", [b"\xff", bytes(range(256)), b"\xed\xa0\x80"], ids=["FF", "all", "surrogate"]
)
async def test_5_6_binary_is_not_looked_at(side: Side, data: bytes) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(BINARY, data)
        await line.peer.expect(BINARY, data)
        await line.peer.send_frame(BINARY, data[:1], fin=False)
        await line.peer.send_frame(CONT, data[1:])
        await line.peer.expect(BINARY, data)
        await line.close_from_peer()


@INVALIDS
async def test_5_5_1_an_invalid_close_reason_fails(role: Side, bad: Invalid) -> None:
    async with opened(role) as line:
        await line.peer.send_frame(CLOSE, close_payload(1000, bad.data))
        await line.expect_failure(1007, "5.5.1", "8.1", "7.1.6")


@pytest.mark.parametrize("reason", [text for text in VALID.values() if len(text.encode()) <= 123], ids=ascii)
async def test_5_5_1_a_valid_close_reason_is_reported(role: Side, reason: str) -> None:
    async with opened(role) as line:
        await line.peer.send_close(3000, reason)
        await line.peer.expect_close(3000)
        await line.expect_tcp_end()
        assert await line.app.ended() == (3000, reason)
