"""What waits for slow clients: the queue of one subscription."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openline.hub.namespace import ChannelOptions
from openline.hub.publication import Payload, Publication
from openline.hub.slow_consumer import hold, size_of, take_waiting


def all_that_waits(slow: Any) -> list[Publication]:
    taken: list[Publication] = []
    while (one := take_waiting(slow)) is not None:
        taken.append(one)
    assert (slow.waiting, slow.waiting_size) == (None, 0)
    return taken


def subscription(policy: str, max_waiting: int = 1100) -> Any:
    options = ChannelOptions(slow_consumer=policy, max_waiting=max_waiting)  # type: ignore[arg-type]
    return SimpleNamespace(channel=SimpleNamespace(options=options), waiting=None, waiting_size=0)


def publication(offset: int, key: str = "", size: int = 10) -> Publication:
    return Publication(data=Payload(b"1" * size), offset=offset, key=key)


def test_the_oldest_are_dropped_at_the_bound() -> None:
    slow = subscription("drop_oldest")
    assert [hold(slow, publication(offset)) for offset in range(1, 13)] == [(0, 0)] * 10 + [(1, 0)] * 2
    assert [one.offset for one in all_that_waits(slow)] == list(range(3, 13))
    assert take_waiting(slow) is None


def test_equal_publications_are_not_one() -> None:
    slow = subscription("drop_oldest")
    for _ in range(3):
        hold(slow, publication(0))
    assert len(all_that_waits(slow)) == 3


def test_one_that_is_larger_than_the_bound_waits_alone() -> None:
    slow = subscription("drop_oldest")
    hold(slow, publication(1))
    assert hold(slow, publication(2, size=2000)) == (1, 0)
    assert [one.offset for one in all_that_waits(slow)] == [2]


def test_of_each_key_the_newest_waits_in_the_order_of_offsets() -> None:
    slow = subscription("conflate")
    for offset, key in enumerate(["a", "b", "a", "c", "b"], 1):
        hold(slow, publication(offset, key))
    assert [(one.offset, one.key) for one in all_that_waits(slow)] == [(3, "a"), (4, "c"), (5, "b")]


def test_keys_and_tags_weigh_too() -> None:
    slow = subscription("drop_oldest")
    for offset in range(1, 20):
        hold(slow, Publication(data=Payload(b""), offset=offset, key="k" * 300, tags={"a": "b" * 100}))
    assert [one.offset for one in all_that_waits(slow)] == [19], (
        "one entry of about 600 bytes fits, two do not"
    )


def test_without_keys_there_is_one() -> None:
    slow = subscription("conflate")
    assert [hold(slow, publication(offset)) for offset in (1, 2)] == [(0, 0), (0, 1)]
    assert [one.offset for one in all_that_waits(slow)] == [2]


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
        assert slow.waiting_size <= 1100
        assert slow.waiting_size == sum(map(size_of, slow.waiting.values()))
    left = all_that_waits(slow)
    assert len(left) + dropped + conflated == len(published)
    offsets = [one.offset for one in left]
    assert offsets == sorted(offsets)
    if published:
        assert offsets[-1] == len(published)
