"""What waits for slow clients: the queue of one subscription."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openline.hub.namespace import ChannelOptions
from openline.hub.publication import Payload, Publication
from openline.hub.slow_consumer import hold, take_waiting


def subscription(policy: str, max_waiting: int = 100) -> Any:
    options = ChannelOptions(slow_consumer=policy, max_waiting=max_waiting)  # type: ignore[arg-type]
    return SimpleNamespace(channel=SimpleNamespace(options=options), waiting=None, waiting_size=0)


def publication(offset: int, key: str = "", size: int = 10) -> Publication:
    return Publication(data=Payload(b"1" * size), offset=offset, key=key)


def test_the_oldest_are_dropped_at_the_bound() -> None:
    slow = subscription("drop_oldest")
    assert [hold(slow, publication(offset)) for offset in range(1, 13)] == [(0, 0)] * 10 + [(1, 0)] * 2
    assert [one.offset for one in take_waiting(slow)] == list(range(3, 13))
    assert take_waiting(slow) == []


def test_equal_publications_are_not_one() -> None:
    slow = subscription("drop_oldest")
    for _ in range(3):
        hold(slow, publication(0))
    assert len(take_waiting(slow)) == 3


def test_one_that_is_larger_than_the_bound_waits_alone() -> None:
    slow = subscription("drop_oldest")
    hold(slow, publication(1))
    assert hold(slow, publication(2, size=1000)) == (1, 0)
    assert [one.offset for one in take_waiting(slow)] == [2]


def test_of_each_key_the_newest_waits_in_the_order_of_offsets() -> None:
    slow = subscription("conflate")
    for offset, key in enumerate(["a", "b", "a", "c", "b"], 1):
        hold(slow, publication(offset, key))
    assert [(one.offset, one.key) for one in take_waiting(slow)] == [(3, "a"), (4, "c"), (5, "b")]


def test_without_keys_there_is_one() -> None:
    slow = subscription("conflate")
    assert [hold(slow, publication(offset)) for offset in (1, 2)] == [(0, 0), (0, 1)]
    assert [one.offset for one in take_waiting(slow)] == [2]


@given(
    st.sampled_from(["conflate", "drop_oldest"]),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 60)), max_size=50),
)
def test_bounded_in_order_and_counted(policy: str, published: list[tuple[str, int]]) -> None:
    slow = subscription(policy)
    dropped = conflated = 0
    for offset, (key, size) in enumerate(published, 1):
        more = hold(slow, publication(offset, key, size))
        dropped, conflated = dropped + more[0], conflated + more[1]
        assert slow.waiting_size <= 100
        assert slow.waiting_size == sum(len(one.data) for one in slow.waiting.values())
    left = take_waiting(slow)
    assert len(left) + dropped + conflated == len(published)
    offsets = [one.offset for one in left]
    assert offsets == sorted(offsets)
    if published:
        assert offsets[-1] == len(published)
