"""One end of an open connection (RFC 6455 sections 5, 7 and 8)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.exceptions import InvalidState, PayloadTooBig, ProtocolError, TooManyFragments
from openline.protocol.close_codes import Close
from openline.protocol.connection import (
    Closed,
    Event,
    Failed,
    Fragment,
    Message,
    Ping,
    Pong,
    Protocol,
    close_for,
)
from openline.protocol.extensions.base import Extension
from openline.protocol.extensions.permessage_deflate import PerMessageDeflate
from openline.protocol.frames import (
    RSV1,
    RSV2,
    RSV3,
    Frame,
    Opcode,
    apply_mask,
    encode_frame,
    parse_header,
)
from openline.protocol.states import Side, State

KEY = bytes.fromhex("37fa213d")

both_sides = pytest.mark.parametrize("side", list(Side))


class Twice(Extension):
    """Sends everything twice, and marks it with RSV3."""

    name = "x-twice"
    rsv = RSV3

    def encode(self, frame: Frame) -> Frame:
        return Frame(frame.opcode, frame.data * 2, frame.fin, frame.rsv1, frame.rsv2, True)

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        half = len(frame.data) // 2
        if frame.data[:half] != frame.data[half:]:
            raise ProtocolError("x-twice: not the same")
        return Frame(frame.opcode, frame.data[:half], frame.fin, frame.rsv1, frame.rsv2, False)


class Broken(Extension):
    """Has a bug."""

    name = "x-broken"

    def encode(self, frame: Frame) -> Frame:
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        raise ZeroDivisionError("our secret")


def wire(side: Side, opcode: Opcode | int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A frame as the peer of ``side`` writes it."""
    mask = KEY if side is Side.SERVER else None
    frame = encode_frame(Opcode.TEXT, payload, fin=fin, rsv=rsv, mask=mask)
    return bytes([frame[0] & 0xF0 | opcode]) + frame[1:]


def written(protocol: Protocol) -> list[tuple[Opcode, bytes, bool]]:
    """What a protocol has written, read by hand: opcode, payload, FIN of each frame."""
    frames: list[tuple[Opcode, bytes, bool]] = []
    for frame in protocol.take_output():
        header = parse_header(frame)
        assert header is not None
        assert len(frame) == header.size + header.length
        assert (header.mask is not None) is (protocol.side is Side.CLIENT)
        body = frame[header.size :]
        frames.append((header.opcode, apply_mask(body, header.mask) if header.mask else body, header.fin))
    return frames


def bytewise(protocol: Protocol, data: bytes) -> list[Event]:
    return [event for i in range(len(data)) for event in protocol.receive_data(data[i : i + 1])]


def fails(
    protocol: Protocol, data: bytes, code: int, text: str, error: type[Exception] = ProtocolError
) -> None:
    """Check that the last byte of ``data``, and none before it, makes the connection fail."""
    assert not any(isinstance(event, Failed) for event in bytewise(protocol, data[:-1]))
    assert protocol.failure is None
    (event,) = protocol.receive_data(data[-1:])
    assert isinstance(event, Failed)
    assert isinstance(event.error, error)
    assert event.close.code == code
    assert text in event.close.reason
    assert event.error is protocol.failure
    assert event.close == protocol.close_sent
    assert written(protocol) == [(Opcode.CLOSE, event.close.serialize(), True)]
    assert protocol.state is State.CLOSING
    # 7.1.7: nothing that follows is looked at.
    assert protocol.receive_data(wire(protocol.side, Opcode.TEXT, b"more")) == []
    assert protocol.receive_data(wire(protocol.side, Opcode.CLOSE)) == []
    assert protocol.close_rcvd is None
    assert protocol.half_close is (protocol.side is Side.SERVER)


# ------------------------------------------------------------------------------------------------ receiving


@both_sides
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 100_000])
def test_5_2_message_of_any_length(side: Side, size: int) -> None:
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert Protocol(side).receive_data(wire(side, Opcode.BINARY, payload)) == [Message(payload)]


@both_sides
def test_5_4_fragments_with_control_frames_between_them(side: Side) -> None:
    data = b"".join(
        [
            wire(side, Opcode.TEXT, b"a", fin=False),
            wire(side, Opcode.PING, b"1"),
            wire(side, Opcode.CONT, b"", fin=False),
            wire(side, Opcode.PONG, b"2"),
            wire(side, Opcode.CONT, b"b"),
            wire(side, Opcode.BINARY, b"c"),
        ]
    )
    expected = [
        Fragment("a", True, False),
        Ping(b"1"),
        Fragment("", False, False),
        Pong(b"2"),
        Fragment("b", False, True),
        Message(b"c"),
    ]
    protocol = Protocol(side)
    assert protocol.receive_data(data) == expected
    assert bytewise(protocol, data) == expected
    assert protocol.take_output() == []  # 5.5.2: answering is up to the receiver
    assert protocol.quiet


@both_sides
@pytest.mark.parametrize("size", [0, 1, 125])
def test_5_5_control_frames_of_any_length(side: Side, size: int) -> None:
    data = wire(side, Opcode.PING, b"a" * size) + wire(side, Opcode.PONG, b"b" * size)
    for events in (Protocol(side).receive_data(data), bytewise(Protocol(side), data)):
        assert events == [Ping(b"a" * size), Pong(b"b" * size)]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_are_taken(kind: type) -> None:
    protocol = Protocol(Side.CLIENT)
    buffer = bytearray(wire(Side.CLIENT, Opcode.BINARY, b"abc", fin=False))
    assert protocol.receive_data(kind(buffer)) == [Fragment(b"abc", True, False)]
    buffer[:] = bytes(len(buffer))  # what is given may be overwritten at once
    assert protocol.receive_data(wire(Side.CLIENT, Opcode.CONT, b"d")) == [Fragment(b"d", False, True)]


@both_sides
@pytest.mark.parametrize("bit", [RSV1, RSV2, RSV3])
@pytest.mark.parametrize("opcode", list(Opcode))
def test_5_2_reserved_bit_fails_at_the_first_byte(side: Side, bit: int, opcode: Opcode) -> None:
    fails(Protocol(side), bytes([0x80 | bit | opcode]), 1002, f"5.2: reserved bit set in {opcode.name} frame")


@pytest.mark.parametrize("opcode", [Opcode.CONT, Opcode.CLOSE, Opcode.PING, Opcode.PONG])
def test_rfc7692_6_reserved_bit_1_only_starts_messages(opcode: Opcode) -> None:
    protocol = Protocol(Side.CLIENT, extensions=[PerMessageDeflate(False, False, 15, 15)])
    protocol.receive_data(bytes([0x41, 0]))
    fails(protocol, bytes([0x80 | RSV1 | opcode]), 1002, "5.2: reserved bit set")


def test_5_2_reserved_bits_of_an_extension_are_its_own() -> None:
    extensions = [PerMessageDeflate(False, False, 15, 15), Twice()]
    for first in (0x81 | RSV2, 0x89 | RSV1, 0x89 | RSV1 | RSV3):
        (event,) = Protocol(Side.CLIENT, extensions=extensions).receive_data(bytes([first]))
        assert isinstance(event, Failed)
        assert "5.2: reserved bit set" in event.close.reason
    protocol = Protocol(Side.CLIENT, extensions=extensions)
    assert protocol.receive_data(wire(Side.CLIENT, Opcode.PING, b"aa", rsv=RSV3)) == [Ping(b"a")]


@both_sides
@pytest.mark.parametrize("opcode", [3, 7, 11, 15])
def test_5_2_reserved_opcode_fails_at_the_first_byte(side: Side, opcode: int) -> None:
    fails(Protocol(side), bytes([0x80 | opcode]), 1002, "5.2: reserved opcode")


def test_5_1_client_frame_without_mask_fails_at_the_second_byte() -> None:
    fails(Protocol(Side.SERVER), b"\x81\x05", 1002, "RFC 6455 section 5.1: client frame without mask")


def test_5_1_server_frame_with_mask_fails_at_the_second_byte() -> None:
    fails(Protocol(Side.CLIENT), b"\x81\x85", 1002, "RFC 6455 section 5.1: server frame with mask")


@both_sides
def test_5_2_length_not_minimal(side: Side) -> None:
    mask = 0x80 if side is Side.SERVER else 0
    fails(Protocol(side), bytes([0x82, mask | 126, 0, 125]), 1002, "5.2: length not encoded in the minimal")
    fails(Protocol(side), bytes([0x82, mask | 127, 0, 0, 0, 0, 0, 0]), 1002, "5.2: length not encoded")
    fails(Protocol(side), bytes([0x82, mask | 127, 0x80]), 1002, "5.2: 64-bit length with its most")


@both_sides
def test_5_4_continuation_without_a_message_fails_at_the_first_byte(side: Side) -> None:
    for first in (0x00, 0x80):
        fails(
            Protocol(side), bytes([first]), 1002, "RFC 6455 section 5.4: continuation frame without a message"
        )
    protocol = Protocol(side)
    protocol.receive_data(wire(side, Opcode.TEXT, b"a", fin=False) + wire(side, Opcode.CONT, b"b"))
    fails(protocol, b"\x80", 1002, "5.4: continuation frame without a message")


@both_sides
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("fin", [0, 0x80])
def test_5_4_message_inside_a_message_fails_at_the_first_byte(side: Side, opcode: Opcode, fin: int) -> None:
    protocol = Protocol(side)
    protocol.receive_data(wire(side, Opcode.TEXT, b"a", fin=False))
    fails(protocol, bytes([fin | opcode]), 1002, f"5.4: {opcode.name} frame inside a fragmented message")


@both_sides
@pytest.mark.parametrize("opcode", [Opcode.CLOSE, Opcode.PING, Opcode.PONG])
def test_5_5_control_frames_fragmented_or_long(side: Side, opcode: Opcode) -> None:
    mask = 0x80 if side is Side.SERVER else 0
    fails(Protocol(side), bytes([opcode]), 1002, "5.5: fragmented control frame")
    for length in (126, 127):
        fails(
            Protocol(side),
            bytes([0x80 | opcode, mask | length]),
            1002,
            "5.5: control frame with more than 125",
        )


@both_sides
@pytest.mark.parametrize("start", ["ff", "61c0", "eda0", "f490", "f5", "e080", "61e282ff"])
def test_8_1_wrong_utf8_fails_at_its_first_byte(side: Side, start: str) -> None:
    frame = wire(side, Opcode.TEXT, bytes.fromhex(start) + b"rest")[:-4]
    fails(Protocol(side), frame, 1007, "RFC 6455 section 8.1: invalid UTF-8", UnicodeDecodeError)


@both_sides
def test_8_1_wrong_utf8_over_two_frames(side: Side) -> None:
    data = wire(side, Opcode.TEXT, b"a\xed", fin=False) + wire(side, Opcode.CONT, b"\xa0\x80")
    fails(Protocol(side), data[:-1], 1007, "8.1", UnicodeDecodeError)


@both_sides
def test_8_1_text_ends_inside_a_character(side: Side) -> None:
    fails(Protocol(side), wire(side, Opcode.TEXT, b"\xc3"), 1007, "8.1", UnicodeDecodeError)


@both_sides
def test_10_4_too_big_fails_at_the_header(side: Side) -> None:
    frame = wire(side, Opcode.BINARY, bytes(1001))
    fails(
        Protocol(side, max_size=1000),
        frame[:-1001],
        1009,
        "RFC 6455 section 10.4: frame with 1001 bytes exceeds limit of 1000 bytes",
        PayloadTooBig,
    )


def test_10_4_too_big_with_a_code_of_the_protocol_on_top() -> None:
    protocol = Protocol(Side.CLIENT, max_size=3, too_big_code=4413)
    fails(protocol, wire(Side.CLIENT, Opcode.BINARY, b"abcd")[:2], 4413, "10.4", PayloadTooBig)


@both_sides
def test_10_4_too_big_by_its_fragments(side: Side) -> None:
    protocol = Protocol(side, max_size=1000)
    protocol.receive_data(wire(side, Opcode.BINARY, bytes(1000), fin=False))
    fails(protocol, wire(side, Opcode.CONT, b"a")[:-1], 1009, "10.4", PayloadTooBig)


def test_10_4_fragments_too_big_or_too_many() -> None:
    protocol = Protocol(Side.CLIENT, max_fragment_size=3, max_fragments=2)
    fails(protocol, wire(Side.CLIENT, Opcode.BINARY, b"abcd")[:2], 1009, "10.4", PayloadTooBig)
    protocol = Protocol(Side.CLIENT, max_fragment_size=3, max_fragments=2)
    protocol.receive_data(wire(Side.CLIENT, Opcode.BINARY, b"abc", fin=False))
    protocol.receive_data(wire(Side.CLIENT, Opcode.CONT, b"abc", fin=False))
    fails(protocol, b"\x80\x00", 1009, "10.4: message exceeds limit of 2 frames", TooManyFragments)


def test_limits_are_a_mebibyte_and_4096_frames() -> None:
    protocol = Protocol(Side.CLIENT)
    fails(protocol, wire(Side.CLIENT, Opcode.BINARY, bytes(2**20 + 1))[:10], 1009, "1048576", PayloadTooBig)
    protocol = Protocol(Side.CLIENT)
    assert protocol.receive_data(wire(Side.CLIENT, Opcode.BINARY, bytes(2**20)))
    protocol.receive_data(b"\x01\x00" + b"\x00\x00" * 4095)
    fails(protocol, b"\x80\x00", 1009, "4096", TooManyFragments)


def test_events_before_a_failure_are_reported() -> None:
    protocol = Protocol(Side.CLIENT)
    events = protocol.receive_data(wire(Side.CLIENT, Opcode.TEXT, b"a") + b"\xff" + b"rest")
    assert [type(event) for event in events] == [Message, Failed]


def test_a_bug_in_an_extension_is_no_catastrophe() -> None:
    for data in (wire(Side.CLIENT, Opcode.TEXT, b"a"), wire(Side.CLIENT, Opcode.PING)):
        protocol = Protocol(Side.CLIENT, extensions=[Broken()])
        (event,) = protocol.receive_data(data)
        assert event == Failed(Close(1011, "unexpected error"), event.error)  # type: ignore[union-attr]
        assert isinstance(protocol.failure, ZeroDivisionError)


def test_7_4_1_close_for() -> None:
    assert close_for(ProtocolError("a" * 200)) == Close(1002, "a" * 123)
    assert close_for(PayloadTooBig(None, 5)).code == 1009
    assert close_for(TooManyFragments(5)).code == 1009
    assert close_for(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x")).code == 1007
    assert close_for(ValueError("secret")) == Close(1011, "unexpected error")


def test_an_error_met_elsewhere_fails_the_connection() -> None:
    protocol = Protocol(Side.SERVER)
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x")
    assert protocol.receive_error(error) == [
        Failed(Close(1007, "RFC 6455 section 8.1: invalid UTF-8"), error)
    ]
    assert protocol.failure is error
    assert protocol.receive_error(ProtocolError("late")) == []
    assert protocol.failure is error


def test_parsing_stops_at_the_limit() -> None:
    protocol = Protocol(Side.CLIENT)
    data = b"".join(wire(Side.CLIENT, Opcode.TEXT, str(i).encode()) for i in range(5)) + b"\x81"
    assert protocol.receive_data(data, limit=2) == [Message("0"), Message("1")]
    assert not protocol.quiet
    assert protocol.receive_data(b"", limit=2) == [Message("2"), Message("3")]
    assert protocol.receive_data(b"\x01", limit=1) == [Message("4")]
    assert not protocol.quiet
    assert protocol.receive_data(b"a") == [Message("a")]
    assert protocol.quiet
    assert protocol.receive_data(b"", limit=1) == []


def test_nothing_is_inflated_behind_the_limit() -> None:
    own, peer = (PerMessageDeflate(False, False, 15, 15) for _ in range(2))
    bomb = own.compress_message(bytes(1000))
    assert bomb is not None
    protocol = Protocol(Side.CLIENT, extensions=[peer], max_size=10)
    data = wire(Side.CLIENT, Opcode.TEXT, b"fine") + wire(Side.CLIENT, Opcode.TEXT, bomb, rsv=RSV1)
    assert protocol.receive_data(data, limit=1) == [Message("fine")]
    assert protocol.failure is None
    assert isinstance(protocol.receive_data(b"")[0], Failed)


# ------------------------------------------------------------------------------------------------ closing


@both_sides
@pytest.mark.parametrize(
    ("payload", "close"),
    [(b"", Close(1005)), (b"\x03\xe8", Close(1000)), (b"\x0f\xa0bye", Close(4000, "bye"))],
)
def test_5_5_1_the_peer_closes(side: Side, payload: bytes, close: Close) -> None:
    protocol = Protocol(side)
    data = wire(side, Opcode.CLOSE, payload)
    assert protocol.receive_data(data + wire(side, Opcode.TEXT, b"more") + b"\xff") == [Closed(close)]
    assert written(protocol) == [(Opcode.CLOSE, payload, True)]
    assert (protocol.close_rcvd, protocol.close_sent) == (close, close)
    assert protocol.close_rcvd_then_sent is True
    assert protocol.state is State.CLOSING
    assert protocol.half_close is (side is Side.SERVER)
    assert protocol.receive_data(data) == []
    assert protocol.receive_eof() == []
    assert protocol.state is State.CLOSED
    assert protocol.half_close


@both_sides
def test_7_1_2_this_end_closes(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close(1001, "bye")
    assert written(protocol) == [(Opcode.CLOSE, b"\x03\xe9bye", True)]
    assert (protocol.state, protocol.half_close) == (State.CLOSING, False)
    # Until the answer comes, everything is received, and pings are answered: 5.5.2.
    assert protocol.receive_data(wire(side, Opcode.TEXT, b"a") + wire(side, Opcode.PING, b"b")) == [
        Message("a"),
        Ping(b"b"),
    ]
    protocol.send_pong(b"b")
    assert written(protocol) == [(Opcode.PONG, b"b", True)]
    assert protocol.receive_data(wire(side, Opcode.CLOSE, b"\x03\xe8")) == [Closed(Close(1000))]
    assert protocol.take_output() == []  # 5.5.1: no answer to an answer
    assert protocol.close_rcvd_then_sent is False
    assert protocol.half_close is (side is Side.SERVER)


@both_sides
def test_5_5_1_close_without_a_code(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close()
    assert written(protocol) == [(Opcode.CLOSE, b"", True)]
    assert protocol.close_sent == Close(1005)


@both_sides
def test_5_5_1_close_with_one_byte_fails_at_its_header(side: Side) -> None:
    frame = wire(side, Opcode.CLOSE, b"\x03")
    fails(Protocol(side), frame[:-1], 1002, "RFC 6455 section 5.5.1: close frame with one byte")


@both_sides
@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_7_4_close_code_that_must_not_be_sent_fails_at_its_second_byte(side: Side, code: int) -> None:
    frame = wire(side, Opcode.CLOSE, code.to_bytes(2, "big") + b"reason")[:-6]
    fails(Protocol(side), frame, 1002, f"RFC 6455 section 7.4: close code {code} received")


@both_sides
def test_5_5_1_close_reason_that_is_not_utf8_fails_at_its_first_byte(side: Side) -> None:
    frame = wire(side, Opcode.CLOSE, b"\x03\xe8a\xed\xa0b")[:-1]
    fails(Protocol(side), frame, 1007, "8.1: invalid UTF-8", UnicodeDecodeError)
    fails(Protocol(side), wire(side, Opcode.CLOSE, b"\x03\xe8\xc3"), 1007, "8.1", UnicodeDecodeError)


@both_sides
def test_5_5_1_close_inside_a_fragmented_message(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_fragment("a", text=True, first=True, fin=False)
    data = wire(side, Opcode.TEXT, b"a", fin=False) + wire(side, Opcode.CLOSE, b"\x03\xe8")
    assert protocol.receive_data(data) == [Fragment("a", True, False), Closed(Close(1000))]
    with pytest.raises(InvalidState, match="cannot send a message: state is CLOSING"):
        protocol.send_fragment("b", text=True, first=False, fin=True)


@both_sides
def test_7_1_5_end_without_a_close_frame_is_1006(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_data(wire(side, Opcode.TEXT, b"abc")[:-1])
    (event,) = protocol.receive_eof()
    assert isinstance(event, Failed)
    assert event.close == Close(1006)
    assert isinstance(event.error, EOFError)
    assert (protocol.failure, protocol.close_rcvd, protocol.close_sent) == (None, None, None)
    assert (protocol.state, protocol.half_close, protocol.quiet) == (State.CLOSED, True, False)
    assert protocol.take_output() == []
    assert protocol.receive_eof() == []
    assert protocol.receive_data(b"\x81\x00") == []


@both_sides
def test_7_1_5_end_while_waiting_for_the_answer_is_1006(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close(1000)
    (event,) = protocol.receive_eof()
    assert isinstance(event, Failed)
    assert event.close == Close(1006)
    assert protocol.close_sent == Close(1000)


@both_sides
def test_7_1_7_failing(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_data(wire(side, Opcode.TEXT, b"abc", fin=False))
    protocol.fail(1011, "é" * 100)
    assert written(protocol) == [(Opcode.CLOSE, b"\x03\xf3" + "é".encode() * 61, True)]
    assert protocol.failure is None
    assert protocol.half_close is (side is Side.SERVER)
    assert protocol.receive_data(wire(side, Opcode.CONT, b"d")) == []
    protocol.fail(1002)
    assert protocol.take_output() == []
    assert protocol.receive_eof() == []


@both_sides
def test_7_1_7_failing_after_a_close_frame_sends_no_other(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close(1000)
    protocol.take_output()
    protocol.fail(1011, "timeout")
    assert protocol.take_output() == []
    assert protocol.close_sent == Close(1000)
    assert protocol.receive_data(wire(side, Opcode.CLOSE)) == []


@both_sides
def test_7_1_7_failing_after_the_closing_handshake_changes_nothing(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_data(wire(side, Opcode.CLOSE, b"\x03\xe8"))
    protocol.take_output()
    protocol.fail(1011)
    assert (protocol.take_output(), protocol.close_sent) == ([], Close(1000))


def test_7_4_1_failing_with_1006_sends_no_close_frame() -> None:
    protocol = Protocol(Side.SERVER)
    protocol.fail(1006, "gone")
    assert (protocol.take_output(), protocol.close_sent) == ([], None)
    assert protocol.half_close


# ------------------------------------------------------------------------------------------------ sending


@both_sides
def test_5_6_messages_are_sent(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_text("é")
    protocol.send_text("é".encode())
    protocol.send_binary(b"\xff")
    protocol.send_binary(memoryview(b"\xfe"))  # type: ignore[arg-type]
    assert written(protocol) == [
        (Opcode.TEXT, b"\xc3\xa9", True),
        (Opcode.TEXT, b"\xc3\xa9", True),
        (Opcode.BINARY, b"\xff", True),
        (Opcode.BINARY, b"\xfe", True),
    ]
    assert protocol.take_output() == []


@both_sides
def test_5_4_fragments_are_sent_with_control_frames_between_them(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_fragment("a", text=True, first=True, fin=False)
    protocol.send_ping(b"1")
    protocol.send_fragment(b"", text=True, first=False, fin=False)
    protocol.send_pong(b"2")
    protocol.send_fragment("b", text=False, first=False, fin=True)
    protocol.send_fragment(b"c", text=False, first=True, fin=True)
    assert written(protocol) == [
        (Opcode.TEXT, b"a", False),
        (Opcode.PING, b"1", True),
        (Opcode.CONT, b"", False),
        (Opcode.PONG, b"2", True),
        (Opcode.CONT, b"b", True),
        (Opcode.BINARY, b"c", True),
    ]


@both_sides
def test_5_4_messages_are_not_mixed(side: Side) -> None:
    protocol = Protocol(side)
    with pytest.raises(InvalidState, match=r"section 5\.4: no fragmented message is being sent"):
        protocol.send_fragment("a", text=True, first=False, fin=True)
    protocol.send_fragment("a", text=True, first=True, fin=False)
    for first in (
        lambda: protocol.send_text("b"),
        lambda: protocol.send_binary(b"b"),
        lambda: protocol.send_fragment("b", text=True, first=True, fin=True),
    ):
        with pytest.raises(InvalidState, match=r"section 5\.4: a fragmented message is being sent"):
            first()
    assert len(protocol.take_output()) == 1


@both_sides
def test_5_5_1_nothing_is_sent_after_a_close_frame(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close(1000)
    with pytest.raises(InvalidState, match="cannot send a message: state is CLOSING"):
        protocol.send_text("a")
    with pytest.raises(InvalidState, match="cannot send a Close frame: state is CLOSING"):
        protocol.send_close(1000)
    protocol.receive_data(wire(side, Opcode.CLOSE))
    with pytest.raises(InvalidState, match="cannot send a PING frame: state is CLOSING"):
        protocol.send_ping(b"")
    protocol.receive_eof()
    with pytest.raises(InvalidState, match="cannot send a PONG frame: state is CLOSED"):
        protocol.send_pong(b"")


@pytest.mark.parametrize("size", [125, 126])
def test_5_5_control_frames_are_short(size: int) -> None:
    protocol = Protocol(Side.SERVER)
    for send in (protocol.send_ping, protocol.send_pong):
        if size == 125:
            send(bytes(size))
        else:
            with pytest.raises(ProtocolError, match=r"section 5\.5: P[IO]NG frame with more than 125 bytes"):
                send(bytes(size))
    assert len(protocol.take_output()) == (2 if size == 125 else 0)


@pytest.mark.parametrize(("code", "reason"), [(1006, ""), (999, ""), (1000, "a" * 124), (None, "reason")])
def test_7_4_wrong_close_frames_are_not_sent(code: int | None, reason: str) -> None:
    protocol = Protocol(Side.SERVER)
    with pytest.raises(ProtocolError):
        protocol.send_close(code, reason)
    assert (protocol.take_output(), protocol.state) == ([], State.OPEN)


def test_text_that_is_not_unicode_is_not_sent() -> None:
    protocol = Protocol(Side.SERVER)
    with pytest.raises(UnicodeEncodeError):
        protocol.send_text("\ud800")
    assert protocol.quiet


def test_5_3_every_frame_of_a_client_has_its_own_mask() -> None:
    asked: list[int] = []

    def keys() -> Iterable[bytes]:
        for i in itertools.count(1):
            yield bytes([i] * 4)

    source = iter(keys())

    def mask(size: int) -> bytes:
        asked.append(size)
        return next(source)

    protocol = Protocol(Side.CLIENT, mask=mask)
    protocol.send_text("a")
    protocol.send_ping(b"b")
    protocol.send_close(1000)
    output = protocol.take_output()
    assert [frame[2:6] for frame in output] == [b"\1" * 4, b"\2" * 4, b"\3" * 4]
    assert asked == [4, 4, 4]


def test_5_3_masks_are_random() -> None:
    protocol = Protocol(Side.CLIENT)
    for _ in range(50):
        protocol.send_ping(b"")
    assert len({frame[2:6] for frame in protocol.take_output()}) == 50


def test_rfc7692_6_1_compression_of_one_message() -> None:
    protocol = Protocol(Side.SERVER, extensions=[PerMessageDeflate(False, False, 15, 15)])
    protocol.send_text("a" * 100)
    protocol.send_text("a" * 100, compress=False)
    protocol.send_binary(b"a", compress=True)
    protocol.send_binary(b"a")
    protocol.send_fragment("a" * 100, text=True, first=True, fin=False, compress=False)
    protocol.send_fragment("a" * 100, text=True, first=False, fin=True)
    protocol.send_fragment("a", text=True, first=True, fin=False)
    protocol.send_ping(b"a")
    protocol.send_fragment("a", text=True, first=False, fin=True)
    first_bytes = [frame[0] for frame in protocol.take_output()]
    assert first_bytes == [0xC1, 0x81, 0xC2, 0x82, 0x01, 0x80, 0x41, 0x89, 0x80]


def test_9_extensions_apply_to_all_frames_in_their_order() -> None:
    def ends() -> list[Extension]:
        return [PerMessageDeflate(False, False, 15, 15, threshold=0), Twice()]

    client, server = Protocol(Side.CLIENT, extensions=ends()), Protocol(Side.SERVER, extensions=ends())
    client.send_text("Hello")
    client.send_ping(b"p")
    client.send_fragment(b"a", text=False, first=True, fin=False)
    client.send_fragment(b"b", text=False, first=False, fin=True)
    client.send_close(1000, "bye")
    output = client.take_output()
    assert [frame[0] & 0x70 for frame in output] == [RSV1 | RSV3, RSV3, RSV1 | RSV3, RSV3, RSV3]
    assert server.receive_data(b"".join(output)) == [
        Message("Hello"),
        Ping(b"p"),
        Fragment(b"a", True, False),
        Fragment(b"b", False, True),
        Closed(Close(1000, "bye")),
    ]
    assert client.receive_data(b"".join(server.take_output())) == [Closed(Close(1000, "bye"))]


# ------------------------------------------------------------------------------------------------ quiet


@both_sides
def test_quiet_between_messages_only(side: Side) -> None:
    protocol = Protocol(side)
    assert protocol.quiet
    data = wire(side, Opcode.TEXT, b"a", fin=False) + wire(side, Opcode.PING) + wire(side, Opcode.CONT, b"b")
    for i, byte in enumerate(data):
        protocol.receive_data(bytes([byte]))
        assert protocol.quiet is (i == len(data) - 1)


def test_not_quiet_with_something_to_write() -> None:
    protocol = Protocol(Side.SERVER)
    protocol.send_text("a")
    assert not protocol.quiet
    protocol.take_output()
    assert protocol.quiet
    protocol.send_fragment("a", text=True, first=True, fin=False)
    protocol.take_output()
    assert not protocol.quiet
    protocol.send_fragment("a", text=True, first=False, fin=True)
    protocol.take_output()
    assert protocol.quiet


@both_sides
def test_not_quiet_while_closing(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close(1000)
    protocol.take_output()
    assert not protocol.quiet


# ------------------------------------------------------------------------------------------------ pieces

frames = st.lists(
    st.tuples(
        st.sampled_from([*Opcode, 3, 11]),
        st.binary(max_size=6) | st.sampled_from([b"\x03\xe8", b"\x03\xe8a", "é€😀".encode(), bytes(130)]),
        st.booleans() | st.just(True),
        st.sampled_from([0] * 8 + [RSV1, RSV2]),
    ),
    max_size=8,
)


@given(side=st.sampled_from(Side), frames=frames, cuts=st.lists(st.integers(0, 400), max_size=12))
def test_any_pieces_give_the_same_events(
    side: Side, frames: list[tuple[int, bytes, bool, int]], cuts: list[int]
) -> None:
    data = b"".join(wire(side, opcode, payload, fin=fin, rsv=rsv) for opcode, payload, fin, rsv in frames)

    def run(pieces: Iterable[bytes], limit: int | None = None) -> tuple[object, ...]:
        extensions = [PerMessageDeflate(False, False, 15, 15)]
        protocol = Protocol(side, max_size=100, extensions=extensions, mask=lambda _: KEY)
        events: list[Event] = []
        for piece in pieces:
            events += protocol.receive_data(piece, limit=limit)
        while limit is not None and (more := protocol.receive_data(b"", limit=limit)):
            events += more
        events += protocol.receive_eof()
        told = [(type(e), e.close) if isinstance(e, Closed | Failed) else e for e in events]
        return told, protocol.take_output(), protocol.close_rcvd, protocol.close_sent, protocol.state

    edges = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    whole = run([data])
    assert run(data[a:b] for a, b in itertools.pairwise(edges)) == whole
    assert run(data[i : i + 1] for i in range(len(data))) == whole
    assert run([data], limit=1) == whole


@given(side=st.sampled_from(Side), junk=st.binary(max_size=60))
def test_junk_never_raises(side: Side, junk: bytes) -> None:
    protocol = Protocol(side, max_size=1000)
    events = protocol.receive_data(junk) + protocol.receive_eof()
    assert isinstance(events[-1], Closed | Failed)
    assert protocol.state is State.CLOSED


@pytest.mark.timeout(20)
def test_a_large_message_in_small_pieces_costs_no_more_than_its_size() -> None:
    payload = bytes(2**20)
    data = wire(Side.SERVER, Opcode.BINARY, payload)
    for step in (3, 65536):
        protocol = Protocol(Side.SERVER)
        events: list[Event] = []
        for i in range(0, len(data), step):
            events += protocol.receive_data(data[i : i + step])
        assert events == [Message(payload)]
