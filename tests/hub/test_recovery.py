"""What a client that was away gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.hub.publication import Payload, Publication, StreamPosition
from openline.hub.recovery import Recovery, recover_cache, recover_stream


def stream(*offsets: int, size: int = 1) -> list[Publication]:
    return [Publication(data=Payload(b"1" * size), offset=offset) for offset in offsets]


def recover(offset: int, epoch: str, publications: list[Publication], top: int, **bounds: int) -> Recovery:
    bounds = {"most": 300, "most_bytes": 1000, **bounds}
    return recover_stream(StreamPosition(offset, epoch), publications, StreamPosition(top, "e"), **bounds)


@pytest.mark.parametrize("epoch", ["", "e"])
def test_all_that_was_missed(epoch: str) -> None:
    missed = stream(3, 4, 5)
    assert recover(2, epoch, missed, 5) == (True, missed, (2, "e"))


def test_nothing_was_missed() -> None:
    assert recover(5, "e", [], 5) == (True, [], (5, "e"))


@pytest.mark.parametrize(
    ("offset", "epoch", "publications", "bounds"),
    [
        (2, "other", stream(3, 4, 5), {}),
        (6, "e", [], {}),
        (1, "e", stream(3, 4, 5), {}),  # 2 is gone
        (2, "e", [], {}),
        (2, "e", stream(3, 5), {}),
        (2, "e", stream(3, 4, 6), {}),
        (2, "e", stream(3, 4, 5), {"most": 2}),
        (2, "e", stream(3, 4, 5, size=400), {}),
    ],
)
def test_or_nothing_and_the_top(
    offset: int, epoch: str, publications: list[Publication], bounds: dict[str, int]
) -> None:
    assert recover(offset, epoch, publications, 5, **bounds) == (False, [], (5, "e"))


@given(st.integers(0, 20), st.integers(0, 20), st.lists(st.integers(1, 21), max_size=20))
def test_what_is_recovered_is_everything(offset: int, top: int, offsets: list[int]) -> None:
    recovery = recover(offset, "e", stream(*offsets), top)
    if recovery.recovered:
        assert [one.offset for one in recovery.publications] == list(range(offset + 1, top + 1))
    else:
        assert recovery == (False, [], (top, "e"))


def test_of_a_cache_the_newest_unless_it_is_known() -> None:
    newest, top = stream(7)[0], StreamPosition(7, "e")
    assert recover_cache(None, newest, top) == (True, [newest], top)
    assert recover_cache(StreamPosition(3, "other"), newest, top) == (True, [newest], top)
    assert recover_cache(top, newest, top) == (True, [], top)
    assert recover_cache(StreamPosition(3, "e"), None, top) == (False, [], top)
