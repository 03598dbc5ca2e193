"""What stands in a log can be read again, or is said not to be ours."""

from __future__ import annotations

import pytest

from openline.notifications.records import (
    Acknowledged,
    Cleared,
    Entry,
    Followed,
    Marked,
    MarkedAll,
    Preferred,
    Record,
    Removed,
    Sent,
    Snapshot,
    Unreadable,
    decode,
    encode,
)

ENTRY = Entry(1, "a", 10, 20, "news", b"{}", True)


@pytest.mark.parametrize(
    "record",
    [
        Sent("a", 10, 0, "", b"null", True),
        Marked([1, 2], False),
        MarkedAll(3),
        Removed([1]),
        Acknowledged(7),
        Preferred("news", "off"),
        Followed("news", False),
        Cleared(),
        Snapshot(3, 2, [ENTRY], ["b"], {"news": "inbox"}, ["news"]),
    ],
)
def test_every_record_comes_back(record: Record) -> None:
    assert decode(encode(record)) == record


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\x91\xa5never", encode({"a": 1}), encode(Sent("a", 1, 0, "", b""))[:-3]]
)
def test_what_is_not_ours_is_not_guessed_at(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(data)


def test_an_entry_is_over_from_its_time_on() -> None:
    assert not ENTRY.is_over(19)
    assert ENTRY.is_over(20)
    assert not Entry(1, "a", 10, 0, "", b"").is_over(10**15)
