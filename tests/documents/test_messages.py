"""The y-websocket protocol."""

from __future__ import annotations

import pytest

from openline.documents.lib0 import Malformed
from openline.documents.messages import (
    AwarenessEntry,
    Kind,
    Message,
    awareness_message,
    check_state,
    denied_message,
    read_awareness,
    read_messages,
    step1_message,
    step2_message,
    update_message,
)


def test_messages_have_the_bytes_of_the_protocol() -> None:
    assert step1_message(b"v") == b"\x00\x00\x01v"
    assert step2_message(b"u") == b"\x00\x01\x01u"
    assert update_message(b"u") == b"\x00\x02\x01u"
    # The length counts bytes, not characters.
    assert denied_message("é") == b"\x02\x00\x02\xc3\xa9"
    assert awareness_message([AwarenessEntry(300, 2, b"{}")]) == b"\x01\x07\x01\xac\x02\x02\x02{}"


def test_several_messages_come_in_one_frame() -> None:
    frame = (
        step1_message(b"v") + update_message(b"u") + b"\x03" + denied_message("no") + awareness_message(())
    )
    assert read_messages(frame) == [
        Message(Kind.STEP1, b"v"),
        Message(Kind.UPDATE, b"u"),
        Message(Kind.QUERY_AWARENESS, b""),
        Message(Kind.IGNORED, b""),
        Message(Kind.AWARENESS, b"\x00"),
    ]


@pytest.mark.parametrize(
    "frame",
    [b"", b"\x00", b"\x00\x03\x00", b"\x00\x02\x05a", b"\x04", b"\x01", b"\x02\x00", b"\x00\x00\x00\x09"],
)
def test_what_is_no_message_is_malformed(frame: bytes) -> None:
    with pytest.raises(Malformed):
        read_messages(frame)


def test_a_frame_has_not_any_number_of_messages() -> None:
    assert len(read_messages(b"\x03" * 1000)) == 1000
    with pytest.raises(Malformed, match="messages in a frame"):
        read_messages(b"\x03" * 2000)


def test_awareness_is_read_as_it_was_written() -> None:
    entries = [AwarenessEntry(2**53 - 1, 7, b'{"user":{"name":"\xc3\xa9"}}'), AwarenessEntry(1, 2, b"null")]
    (message,) = read_messages(awareness_message(entries))
    assert read_awareness(message.body, 2) == entries


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x01\x01\x01\x05{}",
        b"\x00rest",
        b"\xff\xff\xff\x7f",
    ],
)
def test_awareness_that_ends_in_the_middle_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_awareness(body, 1000)


@pytest.mark.parametrize("state", [b"", b"{]", b'"\xff"', b"[" * 5000])
def test_a_state_that_would_break_a_browser_is_malformed(state: bytes) -> None:
    check_state(b'{"user":null}')
    with pytest.raises(Malformed):
        check_state(state)


def test_awareness_of_more_clients_than_there_may_be_is_malformed() -> None:
    (message,) = read_messages(awareness_message([AwarenessEntry(n, 1, b"{}") for n in range(3)]))
    with pytest.raises(Malformed, match="3 clients"):
        read_awareness(message.body, 2)
