"""Watching frames; on a connection it is tested in test_connection."""

from __future__ import annotations

import logging

import pytest

from openline.protocol.frames import RSV1, Opcode, encode_frame
from openline.websocket.frame_trace import FrameTrace, log_frames

LOGGER = logging.getLogger("openline.test.frames")


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, LOGGER.name)
    return caplog


def test_each_direction_goes_to_the_tap_as_it_is() -> None:
    seen: list[tuple[str, object]] = []
    trace = FrameTrace(lambda direction, data: seen.append((direction, data)), None)
    trace.received(b"\x81")
    trace.sent(b"whatever")
    assert seen == [("in", b"\x81"), ("out", b"whatever")]


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_frames_are_logged_once_however_they_are_cut(logged: pytest.LogCaptureFixture, step: int) -> None:
    trace = FrameTrace(None, LOGGER)
    wire = (
        encode_frame(Opcode.TEXT, b"hello", mask=b"abcd")
        + encode_frame(Opcode.BINARY, b"\x00\xff", fin=False)
        + encode_frame(Opcode.CONT, b"")
        + encode_frame(Opcode.TEXT, b"x" * 1000)
        + encode_frame(Opcode.TEXT, b"\x01\x02", rsv=RSV1)
    )
    for at in range(0, len(wire), step):
        trace.received(wire[at : at + step])
    assert logged.messages == [
        "< TEXT 'hello' [5 bytes]",
        "< BINARY 00 ff [2 bytes, to be continued]",
        "< CONT  [0 bytes]",
        f"< TEXT '{'x' * 64}'... [1000 bytes]",
        "< TEXT 01 02 [2 bytes, reserved bits 0x40]",
    ]


def test_text_that_is_cut_within_a_character_is_shown_as_bytes(logged: pytest.LogCaptureFixture) -> None:
    FrameTrace(None, LOGGER).sent(encode_frame(Opcode.TEXT, ("x" * 63 + "é").encode()))
    assert logged.messages == [f"> TEXT {'78 ' * 63}c3... [65 bytes]"]


def test_what_is_no_frame_is_said_so(logged: pytest.LogCaptureFixture) -> None:
    trace = FrameTrace(None, LOGGER)
    trace.received(b"\x83\x00")
    assert len(logged.messages) == 1
    assert logged.messages[0].startswith("< no frame: RFC 6455 section 5.2")


def test_frames_are_only_logged_where_somebody_would_read_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER.name)
    assert log_frames(LOGGER) is None
    caplog.set_level(logging.DEBUG, LOGGER.name)
    assert log_frames(LOGGER) is LOGGER
