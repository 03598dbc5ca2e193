"""Close codes and the payload of Close frames (RFC 6455 sections 5.5.1 and 7.4)."""

from __future__ import annotations

import pytest

from openline.exceptions import ProtocolError
from openline.protocol.close_codes import Close, CloseCode, explain, is_sendable

REGISTERED = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014)
NEVER_SENT = (1004, 1005, 1006, 1015)


def test_7_4_which_codes_may_be_sent() -> None:
    sendable = {*REGISTERED, *range(3000, 5000)}
    assert {code for code in range(65536) if is_sendable(code)} == sendable
    assert not sendable & {*NEVER_SENT, *range(1016, 3000), *range(5000, 65536), *range(1000)}


def test_7_4_1_every_registered_code_is_explained() -> None:
    for code in CloseCode:
        assert explain(code) not in ("unknown", "private use", "registered")


@pytest.mark.parametrize(
    ("code", "text"),
    [(1000, "OK"), (3000, "registered"), (3999, "registered"), (4000, "private use"), (4999, "private use")],
)
def test_7_4_2_explanation(code: int, text: str) -> None:
    assert explain(code) == text


@pytest.mark.parametrize("code", [0, 999, 1004, 1016, 2999, 5000, 65535])
def test_7_4_unknown_codes_are_explained_as_such(code: int) -> None:
    assert explain(code) == "unknown"


@pytest.mark.parametrize(
    ("close", "text"),
    [
        (Close(1000), "1000 (OK)"),
        (Close(1001, "see you"), "1001 (going away) see you"),
        (Close(CloseCode.NO_STATUS_RCVD), "1005 (no status received [internal])"),
    ],
)
def test_text_of_a_close(close: Close, text: str) -> None:
    assert str(close) == text


@pytest.mark.parametrize(
    ("payload", "close"),
    [
        (b"", Close(1005)),
        (b"\x03\xe8", Close(1000)),
        (b"\x03\xe9bye", Close(1001, "bye")),
        (b"\x0f\xa0" + "é".encode(), Close(4000, "é")),
        (b"\x03\xe8" + b"a" * 123, Close(1000, "a" * 123)),
    ],
)
def test_5_5_1_payload(payload: bytes, close: Close) -> None:
    assert Close.parse(payload) == close
    assert close.serialize() == payload


def test_5_5_1_one_byte_is_refused() -> None:
    with pytest.raises(ProtocolError, match=r"section 5\.5\.1: close frame with one byte"):
        Close.parse(b"\x03")


def test_5_5_1_one_byte_may_be_half_a_code() -> None:
    assert Close.parse(b"\x03", whole=False) == Close(1005)


@pytest.mark.parametrize("code", [0, 999, *NEVER_SENT, 1016, 2999, 5000, 65535])
@pytest.mark.parametrize("whole", [True, False])
def test_7_4_code_that_must_not_be_sent_is_refused(code: int, whole: bool) -> None:
    with pytest.raises(ProtocolError, match=rf"section 7\.4: close code {code} received"):
        Close.parse(code.to_bytes(2, "big"), whole=whole)


@pytest.mark.parametrize("reason", [b"\xff", b"a\xed\xa0", b"\xc3\x28"])
@pytest.mark.parametrize("whole", [True, False])
def test_5_5_1_reason_must_be_utf8(reason: bytes, whole: bool) -> None:
    with pytest.raises(UnicodeDecodeError):
        Close.parse(b"\x03\xe8" + reason, whole=whole)


def test_5_5_1_reason_may_end_inside_a_character_while_more_is_to_come() -> None:
    assert Close.parse(b"\x03\xe8a\xc3", whole=False) == Close(1000, "a")
    with pytest.raises(UnicodeDecodeError):
        Close.parse(b"\x03\xe8a\xc3")


@pytest.mark.parametrize("code", [1006, 1004, 1015, 0, 2999, 5000])
def test_7_4_code_that_must_not_be_sent_is_not_written(code: int) -> None:
    with pytest.raises(ProtocolError, match=r"section 7\.4: .* must not be sent"):
        Close(code).serialize()


def test_5_5_1_reason_needs_a_code() -> None:
    with pytest.raises(ProtocolError, match=r"section 5\.5\.1"):
        Close(1005, "why").serialize()


def test_5_5_reason_over_123_bytes_is_not_written() -> None:
    assert len(Close(1000, "é" * 61 + "a").serialize()) == 125
    with pytest.raises(ProtocolError, match=r"section 5\.5: close reason over 123 bytes"):
        Close(1000, "é" * 62).serialize()


@pytest.mark.parametrize(
    ("reason", "shortened"),
    [("short", "short"), ("a" * 200, "a" * 123), ("a" + "😀" * 40, "a" + "😀" * 30), ("\ud800", "?")],
)
def test_5_5_reason_is_cut_between_characters(reason: str, shortened: str) -> None:
    close = Close(1011, reason).shortened()
    assert close == Close(1011, shortened)
    close.serialize()
