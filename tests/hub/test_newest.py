"""The newest values of a channel, and who has which of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.hub.counters import Counters
from openline.hub.namespace import ChannelOptions
from openline.hub.newest import Newest
from openline.hub.publication import ClientInfo, Payload, Publication
from openline.hub.subprotocols.base import NotJSON

MUCH = 10**9


class Stage:
    """A channel with some who are subscribed, and the turns that nobody takes unless told."""

    def __init__(self, *clients: str, max_waiting: int = 10**6, exclude_sender: bool = False) -> None:
        self.counters = Counters()
        self.encoded: list[Any] = []
        options = ChannelOptions(
            slow_consumer="conflate",
            batch_delay=0.1,
            max_waiting=max_waiting,
            exclude_sender=exclude_sender,
        )
        self.subscriptions = {client: subscription(client) for client in clients}
        channel = SimpleNamespace(options=options, subscriptions=self.subscriptions, encode=self.encode)
        self.turns: Any = SimpleNamespace(
            places=4,
            tick=0,
            stirring={},
            place_of=lambda session: hash(session.client) % 4,  # type: ignore[misc]
            stir=lambda newest: None,
            settle=lambda newest: None,
        )
        self.newest = Newest(channel, self.turns, self.counters)  # type: ignore[arg-type]
        for one in self.subscriptions.values():
            self.newest.add(one)

    def encode(self, group: Any, publication: Publication) -> bytes:
        self.encoded.append((group, publication.offset))
        return b"%d" % publication.offset

    def put(self, offset: int, key: str = "", client: str = "", size: int = 10) -> None:
        info = ClientInfo(client=client) if client else None
        self.newest.put(Publication(data=Payload(b"1" * size), offset=offset, key=key, info=info))

    def take(self, client: str, most: int = MUCH) -> list[int]:
        units: list[bytes] = []
        size = self.newest.take(self.subscriptions[client], units, most)
        assert size == sum(map(len, units))
        return list(map(int, units))


class Member:
    def __init__(self, client: str) -> None:
        self.session = SimpleNamespace(client=client)
        self.seen = 0
        self.group = "group"


def subscription(client: str) -> Any:
    return Member(client)


def test_of_each_key_the_newest_in_the_order_in_which_they_came() -> None:
    stage = Stage("a")
    for offset, key in enumerate("xyxzx", 1):
        stage.put(offset, key)
    assert stage.newest.waiting(stage.subscriptions["a"]) == 3
    assert stage.take("a") == [2, 4, 5]
    assert stage.take("a") == []
    assert (stage.counters.deliveries, stage.counters.conflated) == (3, 2)


def test_each_goes_on_from_where_it_is() -> None:
    stage = Stage("quick", "slow")
    got: list[int] = []
    for offset in range(1, 6):
        stage.put(offset)
        got += stage.take("quick")
    assert got == [1, 2, 3, 4, 5]
    assert stage.take("slow") == [5]
    assert stage.counters.conflated == 4


def test_a_value_is_encoded_when_it_is_taken_and_once() -> None:
    stage = Stage("a", "b", "c")
    other = stage.subscriptions["c"].group = "other"
    for offset in (1, 2):
        stage.put(offset)
    assert stage.encoded == []
    for client in "abc":
        assert stage.take(client) == [2]
    assert stage.encoded == [("group", 2), (other, 2)]


def test_who_comes_gets_nothing_old() -> None:
    stage = Stage("a")
    stage.put(1)
    late = stage.subscriptions["b"] = subscription("b")
    stage.newest.add(late)
    assert stage.take("b") == []
    stage.put(2)
    assert stage.take("b") == [2]
    stage.newest.add(late)
    assert stage.take("b") == [], "to add it twice changes nothing"


def test_nothing_is_kept_for_nobody() -> None:
    stage = Stage("a")
    stage.put(1)
    assert stage.newest.only is not None
    for _ in range(2):
        stage.newest.remove(stage.subscriptions["a"])
    assert stage.newest.only is None
    stage.put(2)
    assert stage.newest.only is None
    stage.newest.add(stage.subscriptions["a"])
    assert stage.take("a") == []


def test_more_than_fits_is_taken_in_parts() -> None:
    stage = Stage("a")
    for offset in range(1, 8):
        stage.put(offset, key=str(offset % 5))
    assert [stage.take("a", 2) for _ in range(3)] == [[3, 4], [5, 6], [7]]
    assert (stage.counters.deliveries, stage.counters.conflated) == (5, 2)


def test_the_senders_own_does_not_come_back() -> None:
    stage = Stage("a", "b", exclude_sender=True)
    stage.put(1, "x")
    stage.put(2, "y", client="a")
    stage.put(3, "y", client="a")
    assert stage.newest.only is None
    assert (stage.take("a"), stage.take("b")) == ([1], [1, 3])
    assert (stage.counters.deliveries, stage.counters.conflated) == (3, 1)


def test_at_the_bound_goes_what_all_have_and_then_the_oldest() -> None:
    stage = Stage("a", "b", max_waiting=600)  # five entries of some 115 bytes
    for offset in range(1, 6):
        stage.put(offset, key=f"key{offset}")
    assert stage.take("a") == stage.take("b") == [1, 2, 3, 4, 5]
    for offset in range(6, 10):
        stage.put(offset, key=f"key{offset}")
    assert stage.counters.drops == {}, "everybody had what went"
    assert stage.take("a") == [6, 7, 8, 9]
    for offset in range(10, 13):
        stage.put(offset, key=f"key{offset}")
    assert stage.counters.drops == {"conflate": 2}, "one of the two had them"
    assert (stage.take("a"), stage.take("b")) == ([10, 11, 12], [8, 9, 10, 11, 12])


def test_one_that_is_larger_than_the_bound_stays() -> None:
    stage = Stage("a", max_waiting=200)
    stage.put(1, "x")
    stage.put(2, "y", size=1000)
    assert stage.take("a") == [2]
    assert stage.counters.drops == {"conflate": 1}


def test_what_cannot_be_encoded_is_said_to_who_takes_it() -> None:
    stage = Stage("a")
    stage.put(1)

    def encode(*args: object) -> bytes:
        raise NotJSON("no")

    stage.newest._channel.encode = encode  # type: ignore[method-assign]
    with pytest.raises(NotJSON):
        stage.take("a")


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"), st.sampled_from("xyzuvw"), st.sampled_from(["", "a", "b"]), st.integers(0, 90)
        ),
        st.tuples(st.just("take"), st.sampled_from("ab"), st.sampled_from([1, 3, MUCH])),
    ),
    max_size=60,
)


@given(STEPS, st.sampled_from([500, 10**6]), st.booleans())
def test_nothing_older_nothing_twice_and_all_is_accounted_for(
    steps: list[Any], most: int, exclude_sender: bool
) -> None:
    stage = Stage("a", "b", max_waiting=most, exclude_sender=exclude_sender)
    got: dict[str, list[int]] = {"a": [], "b": []}
    newest: dict[str, tuple[int, str]] = {}
    own = {"a": 0, "b": 0, "": 0}
    number = 0
    for what, who, *more in [*steps, ("take", "a", MUCH), ("take", "b", MUCH)]:
        if what == "take":
            got[who] += stage.take(who, more[0])
            continue
        number += 1
        client, size = more
        stage.put(number, who, client, size)
        newest[who] = number, client
        own[client] += 1
    for client, numbers in got.items():
        assert numbers == sorted(set(numbers))
        if most == 10**6:
            due = [at for at, sender in newest.values() if not (exclude_sender and sender == client)]
            assert set(due) <= set(numbers)
    counters = stage.counters
    left_out = own["a"] + own["b"] if exclude_sender else 0
    dropped = counters.drops.get("conflate", 0)
    assert counters.deliveries == len(got["a"]) + len(got["b"])
    assert counters.deliveries + counters.conflated + dropped + left_out == 2 * number
