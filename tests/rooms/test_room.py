"""A room: its ticks, what its game is told, and that every player has exactly what he should see."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openline.hub import Refused
from openline.rooms import Entity, Lateness, Room, Seat

from .players import Arena, Player, Ship, Spark, in_sight, stage

# Ticks.


def test_a_tick_applies_inputs_calls_the_game_and_sends_what_has_changed() -> None:
    with stage() as there:
        ada, seat = there.seated("ada", "Ada")
        there.tick()
        assert ada.states[-1].full
        assert ada.view.entities == {1: {"kind": "ship", "x": 500, "y": 500, "score": 0, "name": "Ada"}}
        there.room.receive(seat, ada.input(b"\x05"))
        there.room.receive(seat, ada.input(b"\x03"))
        assert there.room.said == ["join 1"]
        there.tick()
        assert there.room.said == ["join 1", "input 1 05", "input 1 03"]
        assert ada.view.entities[1]["x"] == 508
        assert ada.states[-1] == (2, 2, 1, 0, False)
        assert (seat.states, there.room.busy) == (2, 0.0)


def test_what_is_late_is_caught_up_within_a_bound() -> None:
    class Counting(Arena):
        ticks = 0

        def tick(self, dt: float) -> None:
            assert dt == 0.125
            self.ticks += 1

    with stage(Counting, catch_up=3) as there:
        ada, _ = there.seated()
        there.clock.advance(1.0)
        there.room.run_due()
        assert there.room.ticks == there.room.now == 3  # type: ignore[attr-defined]
        assert [state.tick for state in ada.states] == [3]
        assert there.room.lateness.left_out == 5
        assert there.room.lateness.most == 0.875
        there.room.run_due()
        assert there.room.now == 3


def test_a_room_that_was_not_opened_is_never_late() -> None:
    assert Arena("a").lateness == Lateness(0.0, 0.0, 0.0, 0)


# Seats.


def test_a_room_has_so_many_seats() -> None:
    with stage(capacity=2) as there:
        _, first = there.seated()
        there.seated()
        assert there.room.full
        with pytest.raises(Refused) as refused:
            there.seated()
        assert refused.value.code == 106
        there.room.end(first)
        there.seated()
        assert sorted(there.room.seats) == [2, 3]
        there.room.locked = True
        with pytest.raises(Refused):
            there.seated()


def test_a_seat_is_kept_while_its_player_is_away() -> None:
    with stage(grace=2.0) as there:
        ada, seat = there.seated("ada")
        there.tick()
        ada.cut()
        there.tick(10)
        assert there.room.said == ["join 1", "away 1"]
        assert there.room.seats
        there.room.readmit(seat, ada.come())
        there.tick()
        assert there.room.said == ["join 1", "away 1", "back 1"]
        assert ada.states[-1].full
        assert ada.view.entities == in_sight(seat)


def test_and_is_free_after_that() -> None:
    with stage(grace=2.0, linger=3.0) as there:
        ada, seat = there.seated("ada")
        there.tick()
        ada.cut()
        there.tick(16)
        assert there.room.seats
        there.tick()
        assert there.room.said == ["join 1", "away 1", "leave 1"]
        there.room.end(seat)
        assert there.room.said == ["join 1", "away 1", "leave 1"]
        there.tick(23)
        assert not there.room.closed
        there.tick()
        assert there.room.closed
        assert there.room.said[-1] == "closing"
        now = there.room.now
        there.tick()
        assert there.room.now == now


def test_who_loses_his_seat_is_told_why() -> None:
    with stage() as there:
        (ada, first), (bob, _) = there.seated(), there.seated()
        there.room.end(first, 300, "you lost")
        assert ada.over == (300, "you lost")
        there.room.close()
        there.room.close()
        assert bob.over == (1, "")
        assert there.room.said == ["join 1", "join 2", "leave 1", "leave 2", "closing"]


def test_the_game_may_refuse() -> None:
    class Closed(Arena):
        def join(self, seat: Seat) -> dict[str, Any]:
            raise Refused(403, "members only")

        def input(self, seat: Seat, data: bytes) -> None:
            raise Refused(499)

    with stage(Closed) as there, pytest.raises(Refused, match="members only"):
        there.seated()
    assert not there.room.seats
    with stage(type("Open", (Closed,), {"join": Arena.join})) as there:
        ada, seat = there.seated()
        there.tick()
        there.room.receive(seat, ada.input(b"\x01"))
        there.tick()
        assert ada.states[-1].refused == 499
        assert there.room.refused == {499: 1}
        assert there.room.failures == 0


def test_one_who_ends_another_in_his_input() -> None:
    class Duel(Arena):
        def input(self, seat: Seat, data: bytes) -> None:
            for other in list(self.seats.values()):
                if other is not seat:
                    self.end(other)

    with stage(Duel) as there:
        (ada, first), (bob, second) = there.seated(), there.seated()
        there.tick()
        for player, seat in ((ada, first), (bob, second)):
            there.room.receive(seat, player.input(b"\x01"))
        there.tick()
        assert list(there.room.seats.values()) == [first]
        assert there.room.said == ["join 1", "join 2", "leave 2"]
        assert bob.over == (0, "")


def test_events_go_to_one_or_to_all() -> None:
    with stage() as there:
        (ada, first), (bob, _) = there.seated(), there.seated()
        there.room.tell(b"go")
        first.tell(b"you")
        assert (ada.events, bob.events) == ([b"go", b"you"], [b"go"])


# What is bad.


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", 107),
        ({"x": 1}, 107),
        (bytes.fromhex("01 00000000 00000000 05"), 107),
        (bytes.fromhex("01 09000000 01000000 05"), 112),
        (bytes.fromhex("01 00000000 01000000") + bytes(129), 106),
    ],
)
def test_a_bad_message_is_refused_counted_and_told_and_harms_nobody(message: object, code: int) -> None:
    with stage() as there:
        (ada, first), (bob, second) = there.seated(), there.seated()
        there.tick()
        with pytest.raises(Refused) as refused:
            there.room.receive(first, message)
        assert refused.value.code == code
        assert there.room.refused == {code: 1}
        assert (first.refused, second.refused) == (1, 0)
        there.room.receive(second, bob.input(b"\x02"))
        there.tick()
        assert ada.states[-1].refused == code
        assert bob.states[-1].refused == 0
        assert ada.view.entities == bob.view.entities == in_sight(first)
        assert there.room.failures == 0


def test_a_flood_is_refused_and_what_waits_is_bounded() -> None:
    with stage(input_rate=20.0) as there:
        (ada, first), (bob, second) = there.seated(), there.seated()
        there.tick()
        for _ in range(40):
            there.room.receive(first, ada.input(b"\x01"))
        for _ in range(1000):
            with pytest.raises(Refused, match="111"):
                there.room.receive(first, ada.input(b"\x01"))
        assert there.room.refused == {111: 1000}
        there.room.receive(second, bob.input(b"\x02"))
        there.tick()
        assert [said for said in there.room.said if said.startswith("input")] == ["input 1 01"] * 8 + [
            "input 2 02"
        ]
        assert first.left_out == 32
        assert ada.states[-1].refused == 111


def test_an_input_that_the_game_did_not_think_of_closes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with stage(most_failures=3) as there:
        ada, seat = there.seated()
        for _ in range(10):
            there.tick()
            there.room.receive(seat, ada.input(b""))  # `data[0]` fails
        there.tick()
        assert not there.room.closed
        assert there.room.failures == 10
        assert there.room.refused == {107: 10}
        assert ada.states[-1].refused == 107
    assert caplog.text.count("input b'' of") == 1


def test_a_game_that_fails_goes_on_until_it_has_failed_too_often(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Arena):
        fails = 3

        def tick(self, dt: float) -> None:
            if self.fails:
                self.fails -= 1
                raise RuntimeError("broken")

        def closing(self) -> None:
            raise RuntimeError("broken here, too")

    with stage(Broken, most_failures=3) as there:
        ada, _ = there.seated()
        there.tick(5)
        assert there.room.failures == 3
        assert [state.tick for state in ada.states] == [1, 2, 3, 4, 5]
        assert caplog.text.count("tick of") == 1
        there.room.fails = 9  # type: ignore[attr-defined]
        there.tick(9)
        assert there.room.closed
        assert ada.over == (3, "")
        assert "it has failed 4 times in a row" in caplog.text


def test_what_an_entity_says_may_fail_too(caplog: pytest.LogCaptureFixture) -> None:
    with stage(most_failures=2, view=None) as there:
        (ada, first), (_, second) = there.seated(), there.seated()
        there.tick()
        bad: Any = second.entity
        bad.x = float("nan")
        ship: Any = first.entity
        ship.y = 77
        there.tick()
        assert ada.view.entities[ship.id]["y"] == 77
        assert ada.view.entities[bad.id]["x"] == 500
        assert there.room.failures == 1
        assert "what <Ship 2> says" in caplog.text
    with stage(most_failures=2) as there:
        _, seat = there.seated()
        bad = seat.entity
        bad.x = "nowhere"
        there.tick(3)
        assert there.room.closed


# What each sees.


def test_who_is_near_is_seen_and_who_is_far_is_not() -> None:
    with stage() as there:
        (ada, first), (bob, second) = there.seated(), there.seated()
        near: Any = second.entity
        there.tick()
        assert set(ada.view.entities) == {1, 2}
        near.x = 700
        there.tick()
        assert set(ada.view.entities) == {1}
        assert set(bob.view.entities) == {2}
        assert ada.states[-1].total == 2
        there.room.despawn(near)
        second.entity = None
        there.tick()
        assert bob.view.entities == {}
        first.entity = None
        there.tick(1)
        assert ada.view.entities == {}


def test_one_looks_around_every_few_ticks_and_what_has_gone_is_gone_at_once() -> None:
    with stage(sight_every=5) as there:
        ada, _ = there.seated()
        there.tick()
        spark = there.room.spawn(Spark(x=510, y=500))
        there.tick(5)
        assert spark.id in ada.view.entities
        there.room.despawn(spark)
        there.tick()
        assert spark.id not in ada.view.entities


def test_a_slow_player_gets_only_the_newest_and_nobody_else_notices() -> None:
    with stage(window=100) as there:
        (ada, first), (bob, second) = there.seated(), there.seated()
        there.tick(2)
        ada.fall_behind()
        for _ in range(50):
            there.room.receive(second, bob.input(b"\x01"))
            there.tick()
        assert [state.tick for state in ada.states] == [1, 2]
        assert [state.tick for state in bob.states] == list(range(1, 53))
        assert there.hub.counters.conflated == 49
        ada.catch_up()
        assert [state.tick for state in ada.states] == [1, 2, 52]
        assert ada.view.entities == bob.view.entities == in_sight(first)
        there.tick()
        assert [state.tick for state in ada.states[-2:]] == [52, 53]


def test_who_acknowledges_nothing_is_sent_no_more_than_the_window() -> None:
    with stage(window=4) as there:
        (ada, first), (bob, second) = there.seated(), there.seated()
        for _ in range(20):
            there.room.receive(second, bob.input(b"\x01"))
            there.tick()
        assert [state.tick for state in ada.states] == [1, 2, 3, 4]
        assert first.skipped == 16
        assert len(bob.states) == 20
        there.room.receive(first, ada.view.acknowledgement())
        there.tick()
        assert ada.states[-1].tick == 21
        assert ada.view.entities == in_sight(first)


class Wild(Arena):
    """A room in which everything moves and changes by chance."""

    chance: random.Random
    ships: list[Entity]

    def opened(self) -> None:
        super().opened()
        self.sparks: list[Entity] = []

    def tick(self, dt: float) -> None:
        chance = self.chance
        for entity in list(self.world.entities.values()):
            thing: Any = entity
            if chance.random() < 0.5:
                thing.x = min(max(thing.x + chance.uniform(-60, 60), 0), 1000)
            if isinstance(thing, Ship) and chance.random() < 0.2:
                thing.score = chance.randrange(10)
                thing.name = chance.choice(["a", "bee", "çé", ""])
        while self.sparks and chance.random() < 0.3:
            self.despawn(self.sparks.pop(chance.randrange(len(self.sparks))))
        while chance.random() < 0.5:
            self.sparks.append(self.spawn(Spark(x=chance.uniform(300, 700), y=chance.uniform(450, 550))))


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 4), st.sampled_from([None, 60.0, 150.0]))
def test_every_player_has_exactly_what_the_server_has_shown_him(
    seed: int, sight_every: int, view: float | None
) -> None:
    """Whatever is lost, late, cut and taken up again: a state leaves its player with what was in sight at its tick."""
    chance = random.Random(seed)
    with stage(Wild, window=6, sight_every=sight_every, view=view, most_seen=12, grace=3.0) as there:
        room = there.room
        room.chance = chance  # type: ignore[attr-defined]
        players: list[tuple[Player, Seat]] = [there.seated(f"{n}", f"{n}") for n in range(3)]
        shown: dict[tuple[int, int], dict[int, dict[str, Any]]] = {}
        for _ in range(60):
            for at, (player, seat) in enumerate(players):
                match chance.randrange(24):
                    case 0:
                        player.fall_behind()
                    case 1 if player.unsent:
                        player.catch_up()
                    case 2:
                        player.cut()
                    case 3 if seat.session is None and room.seats.get(seat.number) is seat:
                        room.readmit(seat, player.come())
                    case 4 if seat.session is not None and not player.session.closed:
                        room.end(seat)
                    case 5 if room.seats.get(seat.number) is not seat and not room.closed:
                        players[at] = there.seated(f"{at}", f"{at}")
                    case 6 if seat.session is not None and not player.session.closed:
                        player.view.forget()  # it has lost everything, and says so
                        room.receive(seat, player.view.acknowledgement())
                    case _ if seat.session is not None and room.seats.get(seat.number) is seat:
                        acknowledge = chance.random() < 0.7
                        room.receive(seat, player.input(b"\x01", acknowledge=acknowledge))
            for _ in range(chance.choice([1, 1, 1, 2])):
                there.tick()
                for player, seat in players:
                    shown[id(player), room.now] = in_sight(seat)  # also where nothing has left for him
            for player, seat in players:
                if player.states and player.states[-1].tick == room.now:
                    assert player.view.entities == in_sight(seat)
                while player.sights:
                    tick, sight = player.sights.popitem()
                    assert sight == shown[id(player), tick]
        assert room.failures == 0
        assert any(player.states for player, _ in players)


def test_a_room_without_a_game_ticks_and_closes() -> None:
    with stage(type("Plain", (Room,), {"rate": 8, "said": []}), linger=0.5) as there:  # type: ignore[arg-type]
        player, seat = there.seated()
        there.room.receive(seat, player.input(b"x"))
        there.tick(2)
        assert player.view.entities == {}
        assert [state.total for state in player.states] == [0, 0]
        player.cut()
        there.tick()
        there.room.readmit(seat, player.come())
        there.room.end(seat)
        there.tick(6)
        assert there.room.closed
        assert repr(there.room) == "<Plain 'a' 0 of 64 seats>"
