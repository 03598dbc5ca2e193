"""The messages, byte for byte, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.hub import Refused
from openline.rooms.messages import Over, event, over, read_input


def test_an_input_and_an_acknowledgement() -> None:
    assert read_input(bytes.fromhex("01 01020000 07000000 aabb"), 2) == (0x201, 7, b"\xaa\xbb")
    assert read_input(bytes.fromhex("01 00000000 01000000"), 0) == (0, 1, b"")
    assert read_input(bytes.fromhex("02 09000000"), 0) == (9, 0, b"")


@pytest.mark.parametrize(
    "message",
    [
        None,
        {"x": 1},
        "text",
        7,
        b"",
        b"\x00",
        b"\x01",
        bytes.fromhex("01 01000000 010000"),
        bytes.fromhex("01 01000000 00000000"),
        bytes.fromhex("02 010000"),
        bytes.fromhex("02 01000000 00"),
        bytes.fromhex("03 01000000"),
        bytes(100),
    ],
)
def test_what_is_malformed_is_refused_with_107(message: object) -> None:
    with pytest.raises(Refused) as refusal:
        read_input(message, 128)
    assert refusal.value.code == 107


def test_what_is_too_long_is_refused_with_106() -> None:
    message = bytes.fromhex("01 01000000 01000000") + bytes(5)
    assert read_input(message, 5)[2] == bytes(5)
    with pytest.raises(Refused) as refusal:
        read_input(message, 4)
    assert refusal.value.code == 106


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(message: bytes) -> None:
    try:
        read = read_input(message, 16)
    except Refused:
        return
    assert len(read.data) <= 16


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_no_message_can_be_taken_for_json(kind: int) -> None:
    with pytest.raises(ValueError):
        json.loads(bytes((kind,)) + b"1")


def test_events_and_ends() -> None:
    assert event(b"boom") == b"\x03boom"
    assert over(Over.TAKEN) == b"\x04\x02\x00"
    assert over(300, "é") == b"\x04\x2c\x01\xc3\xa9"
