"""What a player has sent, and was sent."""

from __future__ import annotations

import pytest

from openline.hub import Hub, Refused
from openline.rooms import Seat
from openline.rooms.world import World

from .players import Player, Ship, Spark


def seat(there: World | None = None, *, window: int = 3, inputs: int = 4, rate: float = 10) -> Seat:
    session = Player(Hub(insecure=True), "42").session
    there = there or World(())
    return Seat(1, session, None, 0.0, world=there, window=window, inputs=inputs, rate=rate)


def world() -> tuple[World, Ship]:
    there, ship = World((Ship, Spark)), Ship(x=1)
    there.spawn(ship)
    return there, ship


def refusal(taker: Seat, *message: object) -> int:
    with pytest.raises(Refused) as refused:
        taker.take(message)  # type: ignore[arg-type]
    return refused.value.code


def test_inputs_are_applied_in_their_order() -> None:
    taker = seat()
    for number in (1, 2, 7):
        taker.take((0, number, b"x"))
    assert taker.inputs(None) == [(1, b"x"), (2, b"x"), (7, b"x")]
    assert taker.inputs(None) == []
    assert taker.newest == 7


def test_a_number_that_does_not_grow_is_refused_with_107() -> None:
    taker = seat()
    taker.take((0, 5, b""))
    assert refusal(taker, 0, 5, b"") == 107
    assert refusal(taker, 0, 4, b"") == 107


def test_of_too_many_inputs_the_oldest_are_left_out_and_counted() -> None:
    taker = seat(inputs=2)
    for number in range(1, 6):
        taker.take((0, number, b""))
    assert taker.left_out == 3
    assert taker.input == 3  # so that the client does not wait for them
    assert taker.inputs(None) == [(4, b""), (5, b"")]


def test_a_tick_takes_one_input_and_late_ones_are_made_up_for() -> None:
    taker = seat(inputs=3)
    taker.inputs(1)
    for number in range(1, 4):
        taker.take((0, number, b""))
    assert len(taker.inputs(1)) == 3  # nothing was used before
    for number in range(4, 7):
        taker.take((0, number, b""))
    assert [number for number, _ in taker.inputs(1)] == [4]
    assert [number for number, _ in taker.inputs(1)] == [5]
    for _ in range(10):
        taker.inputs(1)
    assert taker.inputs(1) == []


def test_too_many_messages_are_refused_with_111() -> None:
    taker = seat(rate=5)
    for _ in range(10):
        taker.allow(0.0)
    with pytest.raises(Refused) as refused:
        taker.allow(0.0)
    assert refused.value.code == 111
    taker.allow(0.2)


def test_only_what_was_sent_can_be_acknowledged() -> None:
    there, ship = world()
    taker = seat(there, window=9)
    taker.seen = frozenset([ship])
    for tick in (1, 2, 3):
        there.look(tick)
        assert taker.state() is not None
    taker.take((2, 0, b""))
    assert taker.acknowledged == 2
    taker.take((2, 0, b""))
    assert refusal(taker, 1, 0, b"") == 112
    assert refusal(taker, 4, 0, b"") == 112
    taker.take((3, 0, b""))
    assert taker.acknowledged == 3


def test_what_is_under_way_is_bounded() -> None:
    there, _ = world()
    taker = seat(there, window=2)
    for tick in (1, 2):
        assert taker.ready
        there.look(tick)
        taker.state()
    assert not taker.ready
    taker.take((1, 0, b""))
    assert taker.ready


def test_a_state_is_sent_once() -> None:
    there, _ = world()
    taker = seat(there)
    there.look(1)
    assert taker.state() is not None
    assert taker.state() is None


def test_who_says_that_he_has_nothing_gets_all_again() -> None:
    there, ship = world()
    taker = seat(there)
    taker.seen = frozenset([ship])
    there.look(1)
    whole = taker.state()
    assert whole is not None
    assert whole[1] == 1
    taker.take((1, 0, b""))
    there.look(2)
    change = taker.state()
    assert change is not None
    assert change[1] == 0
    taker.take((0, 1, b""))  # which says nothing
    assert taker.acknowledged == 1
    taker.take((0, 0, b""))
    there.look(3)
    again = taker.state()
    assert again is not None
    assert again[24:] == whole[24:]
    assert again[1] == 1


def test_a_refusal_is_told_once_with_the_next_state() -> None:
    there, _ = world()
    taker = seat(there)
    taker.refuse(107)
    taker.refuse(111)
    there.look(1)
    first = taker.state()
    there.look(2)
    second = taker.state()
    assert first is not None
    assert second is not None
    assert int.from_bytes(first[16:18], "little") == 111
    assert int.from_bytes(second[16:18], "little") == 0
    assert taker.refused == 2


def test_another_line_takes_the_seat_over() -> None:
    hub = Hub(insecure=True)
    old, new = Player(hub), Player(hub)
    taken = Seat(3, old.session, None, 0.0, world=World(()), window=3, inputs=4, rate=10)
    assert repr(taken) == "<Seat 3 of 'somebody'>"
    taken.take((0, 1, b"lost"))
    taken.take_line(new.session)
    assert old.over == (2, "")
    assert taken.session is new.session
    assert taken.inputs(None) == []
    taken.tell(b"hello")
    assert new.events == [b"hello"]
    taken.leave_line(5.0)
    assert taken.away_since == 5.0
    assert repr(taken) == "<Seat 3 of 'somebody', away>"
    taken.tell(b"nobody hears that")
    assert new.events == [b"hello"]
