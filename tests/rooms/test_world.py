"""What has changed since when."""

from __future__ import annotations

import math

import pytest

from openline.rooms import Entity, WorldFull, integer
from openline.rooms.world import MAX_ENTITIES, World

from .players import Ship, Spark


def world() -> World:
    return World((Ship, Spark))


def test_who_has_seen_the_state_before_gets_one_packed_change() -> None:
    there, ship, other = world(), Ship(x=1), Ship(x=2)
    there.spawn(ship)
    there.spawn(other)
    there.look(1)
    ship.x, ship.score = 5, 3
    there.look(2)
    first = there.changes([ship, other], 1)
    assert first == [bytes.fromhex("0100 05 0a00 03")]
    assert there.changes([other, ship], 1)[0] is first[0]
    there.look(3)
    assert there.changes([ship, other], 2) == []


def test_who_has_missed_some_gets_all_fields_that_have_changed_since() -> None:
    there, ship = world(), Ship(x=1)
    there.spawn(ship)
    for tick in range(1, 6):
        ship.x = tick
        if tick == 3:
            ship.score = 4
        there.look(tick)
    assert there.changes([ship], 4) == [bytes.fromhex("0100 01 0a00")]
    assert there.changes([ship], 3) == [bytes.fromhex("0100 01 0a00")]
    assert there.changes([ship], 2) == [bytes.fromhex("0100 05 0a00 04")]
    assert there.changes([ship], 2)[0] is there.changes([ship], 2)[0]
    assert there.changes([ship], 5) == []


def test_a_change_below_a_step_is_none() -> None:
    there, ship = world(), Ship(x=1)
    there.spawn(ship)
    there.look(1)
    ship.x = 1.2
    there.look(2)
    assert there.changes([ship], 1) == []


def test_a_whole_entity_is_packed_once_until_it_changes() -> None:
    there, spark = world(), Spark(x=3, y=4)
    there.spawn(spark)
    there.look(1)
    (data,) = there.full([spark])
    assert data == bytes.fromhex("0100 01 0300 0400")
    there.look(2)
    assert there.full([spark])[0] is data
    spark.y = 5
    there.look(3)
    assert there.full([spark]) == [bytes.fromhex("0100 01 0300 0500")]


def test_what_has_gone_is_told_with_the_next_look() -> None:
    there, ship = world(), Ship()
    there.spawn(ship)
    there.look(1)
    there.despawn(ship)
    there.despawn(ship)
    assert there.gone == set()
    there.look(2)
    assert there.gone == {ship}
    assert not there.entities
    there.look(3)
    assert there.gone == set()


def test_an_id_is_given_anew_only_when_all_others_were() -> None:
    there = world()
    ships = [Ship() for _ in range(3)]
    for ship in ships:
        there.spawn(ship)
    assert [ship.id for ship in ships] == [1, 2, 3]
    there.despawn(ships[1])
    again = Ship()
    there.spawn(again)
    assert again.id == 4
    for _ in range(2**16):
        short = Spark()
        there.spawn(short)
        there.despawn(short)
        assert 0 < short.id < 2**16
        assert short.id not in {1, 3, 4}


def test_who_may_not_come() -> None:
    class Alien(Entity):
        eyes: int = integer(0, 9)

    there, ship = world(), Ship()
    with pytest.raises(TypeError, match="Alien is none of the room's kinds"):
        there.spawn(Alien())
    there.spawn(ship)
    with pytest.raises(ValueError, match="is in a room already"):
        there.spawn(ship)
    there.despawn(ship)
    with pytest.raises(ValueError, match="or was in one"):
        there.spawn(ship)
    kinds = [type(f"K{n}", (Ship,), {}) for n in range(257)]
    with pytest.raises(ValueError, match="more than 256"):
        World(kinds)


def test_there_is_a_bound() -> None:
    there = world()
    for _ in range(MAX_ENTITIES):
        there.spawn(Spark())
    with pytest.raises(WorldFull):
        there.spawn(Spark())


def test_a_value_that_cannot_be_sent_leaves_the_others_in_peace() -> None:
    there, ship, good = world(), Ship(x=1), Ship(x=2)
    there.spawn(ship)
    there.spawn(good)
    there.look(1)
    ship.x, ship.score, good.x = math.nan, 4, 3
    there.look(2)
    assert [entity for entity, _ in there.failures] == [ship]
    assert there.changes([ship, good], 1) == [bytes.fromhex("0100 04 04"), bytes.fromhex("0200 01 0600")]
    there.look(3)
    assert there.failures == []
    ship.x = 9
    there.look(4)
    assert there.changes([ship], 3) == [bytes.fromhex("0100 01 1200")]


def test_what_is_new_and_cannot_be_sent_goes() -> None:
    there, ship = world(), Ship(name=None)
    there.spawn(ship)
    there.look(1)
    assert [entity for entity, _ in there.failures] == [ship]
    assert not there.entities
