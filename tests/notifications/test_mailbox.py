"""What the entries of a log come to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from openline.notifications.mailbox import Mailbox
from openline.notifications.options import InboxOptions
from openline.notifications.records import (
    Acknowledged,
    Cleared,
    Followed,
    Marked,
    MarkedAll,
    Preferred,
    Record,
    Removed,
    Sent,
    Snapshot,
    decode,
    encode,
)

SMALL = InboxOptions(limit=4, max_topics=2)


def folded(*records: Record, options: InboxOptions = SMALL) -> Mailbox:
    mailbox = Mailbox(options)
    for number, record in enumerate(records, 1):
        mailbox.fold(number, record)
    return mailbox


def sent(id_: str, *, topic: str = "", expires: int = 0, time: int = 0, following: bool = False) -> Sent:
    return Sent(id_, time, expires, topic, b'{"n":1}', following)


def ids(mailbox: Mailbox, now: int = 0, **which: object) -> list[str]:
    wanted = {"before": None, "limit": 100, "topic": None, "unread": False, **which}
    return [entry.id for entry in mailbox.page(now, **wanted)[0]]  # type: ignore[arg-type]


def test_the_newest_stands_first_and_each_id_once() -> None:
    mailbox = folded(sent("a"), sent("b"), sent("a"))
    assert ids(mailbox) == ["b", "a"]
    assert mailbox.unread(0) == 2
    assert mailbox.revision == 2
    assert mailbox.fold(4, sent("b")).verdict == "duplicate"


def test_an_entry_that_was_folded_is_not_folded_again() -> None:
    mailbox = folded(sent("a"))
    assert mailbox.fold(1, sent("b")).verdict == "unchanged"
    assert ids(mailbox) == ["a"]


def test_two_devices_that_read_the_same_count_once() -> None:
    mailbox = folded(sent("a"), sent("b"), Marked([1], True))
    assert mailbox.fold(4, Marked([1], True)).verdict == "unchanged"
    assert (mailbox.unread(0), mailbox.revision) == (1, 3)
    assert [entry.id for entry in mailbox.fold(5, Marked([1, 2], True)).entries] == ["b"]
    mailbox.fold(6, Marked([2], False))
    assert ids(mailbox, unread=True) == ["b"]


def test_all_that_was_seen_is_read_and_what_came_since_is_not() -> None:
    mailbox = folded(sent("a"), sent("b"), sent("c"), MarkedAll(2))
    assert ids(mailbox, unread=True) == ["c"]


def test_what_was_removed_does_not_come_again() -> None:
    mailbox = folded(sent("a"), Removed([1, 9]))
    assert (ids(mailbox), mailbox.size) == ([], 0)
    assert mailbox.fold(3, sent("a")).verdict == "duplicate"
    assert mailbox.fold(4, Removed([1])).verdict == "unchanged"


def test_a_full_inbox_loses_what_has_expired_and_then_the_oldest() -> None:
    mailbox = folded(sent("a"), sent("b", expires=5), sent("c"), sent("d"), sent("e", time=5))
    assert ids(mailbox) == ["e", "d", "c", "a"]
    mailbox.fold(6, sent("f", time=6))
    assert ids(mailbox) == ["f", "e", "d", "c"]
    assert mailbox.fold(7, sent("a")).verdict == "duplicate"


def test_ids_that_went_are_remembered_up_to_a_bound() -> None:
    mailbox = folded(*(sent(str(number)) for number in range(9)))  # 0 to 4 went, four of which are known
    assert [mailbox.knows(str(number)) for number in range(9)] == [False] + [True] * 8


def test_what_has_expired_is_not_seen_and_not_counted() -> None:
    mailbox = folded(sent("a", expires=10), sent("b"))
    assert (ids(mailbox, 9), mailbox.unread(9)) == (["b", "a"], 2)
    assert (ids(mailbox, 10), mailbox.unread(10)) == (["b"], 1)
    snapshot = mailbox.snapshot(10)
    assert ([entry.id for entry in snapshot.entries], snapshot.gone) == (["b"], ["a"])


def test_pages_follow_each_other() -> None:
    mailbox = folded(sent("a", topic="x"), sent("b"), sent("c", topic="x"))
    found, more = mailbox.page(0, before=None, limit=2, topic=None, unread=False)
    assert ([entry.id for entry in found], more) == (["c", "b"], True)
    assert ids(mailbox, before=found[-1].number) == ["a"]
    assert ids(mailbox, topic="x") == ["c", "a"]
    assert mailbox.page(0, before=None, limit=3, topic=None, unread=False)[1] is False


def test_a_topic_that_is_not_wanted_is_not_kept() -> None:
    mailbox = folded(Preferred("ads", "off"), sent("a", topic="ads"), sent("b"))
    assert ids(mailbox) == ["b"]
    assert mailbox.fold(4, sent("c", topic="ads")).verdict == "unwanted"
    mailbox.fold(5, Preferred("ads", ""))
    assert mailbox.fold(6, sent("c", topic="ads")).verdict == "done"
    assert mailbox.mode("ads") == "push"


def test_preferences_and_topics_have_bounds() -> None:
    mailbox = folded(Preferred("a", "off"), Preferred("b", "off"), Followed("a", True), Followed("b", True))
    assert mailbox.fold(5, Preferred("c", "off")).verdict == "full"
    assert mailbox.fold(6, Followed("c", True)).verdict == "full"
    assert mailbox.fold(7, Preferred("a", "inbox")).verdict == "done"
    assert mailbox.fold(8, Followed("a", True)).verdict == "unchanged"
    assert mailbox.fold(9, Followed("a", False)).verdict == "done"
    assert mailbox.fold(10, Followed("c", True)).verdict == "done"
    assert list(mailbox.topics) == ["b", "c"]


def test_what_is_published_is_for_followers() -> None:
    mailbox = folded(sent("a", topic="x", following=True), Followed("x", True))
    assert mailbox.fold(3, sent("a", topic="x", following=True)).verdict == "done"


def test_an_acknowledgement_of_what_never_was_is_none() -> None:
    mailbox = folded(sent("a"), Acknowledged(1))
    assert (mailbox.acknowledged, mailbox.revision) == (1, 1)
    assert mailbox.fold(3, Acknowledged(9)).verdict == "unchanged"
    assert mailbox.fold(4, Acknowledged(0)).verdict == "unchanged"
    assert mailbox.acknowledged == 1


def test_all_can_be_thrown_away() -> None:
    mailbox = folded(sent("a"), Followed("x", True), Preferred("x", "off"), Cleared())
    assert (ids(mailbox), mailbox.topics, mailbox.preferences, mailbox.size) == ([], {}, {}, 0)
    assert mailbox.revision == 4
    assert mailbox.fold(5, sent("a")).verdict == "done"


NUMBERS = st.integers(1, 12)
TOPICS = st.sampled_from(["", "x", "y", "z"])
RECORDS = st.one_of(
    st.builds(
        Sent,
        st.sampled_from("abcdefgh"),
        st.integers(0, 9),
        st.sampled_from([0, 5, 20]),
        TOPICS,
        st.just(b"1"),
        st.booleans(),
    ),
    st.builds(Marked, st.lists(NUMBERS, max_size=3), st.booleans()),
    st.builds(MarkedAll, NUMBERS),
    st.builds(Removed, st.lists(NUMBERS, max_size=3)),
    st.builds(Acknowledged, NUMBERS),
    st.builds(Preferred, TOPICS, st.sampled_from(["push", "inbox", "off", ""])),
    st.builds(Followed, TOPICS, st.booleans()),
    st.just(Cleared()),
)


@given(st.lists(RECORDS, max_size=30), st.sets(st.integers(0, 29)))
def test_a_log_that_was_folded_on_the_way_comes_to_the_same(records: list[Record], folds: set[int]) -> None:
    """One node reads every entry; another always begins with the newest snapshot that some node wrote."""
    steady, late = Mailbox(SMALL), Mailbox(SMALL)
    for at, record in enumerate(records):
        number = at + 1
        assert steady.fold(number, record) == late.fold(number, record)
        if at in folds:
            written = decode(encode(late.snapshot(0)))
            assert isinstance(written, Snapshot)
            late = Mailbox(SMALL)
            late.fold(number, written)
        assert late.snapshot(0) == steady.snapshot(0)
        assert late.size == steady.size
        assert steady.unread(0) == len(ids(steady, unread=True))
        assert len(ids(steady)) <= SMALL.limit
