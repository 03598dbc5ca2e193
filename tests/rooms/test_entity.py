"""Kinds of entities, and how their fields are packed."""

from __future__ import annotations

import pytest

from openline.rooms import Entity, angle, flag, integer, number, text
from openline.rooms.fields import Field


class Thing(Entity):
    name: str = text(most=8)
    x: float = number(0, 100, step=0.5)
    y: float = number(0, 100, step=0.5)
    score: int = integer(0, 1000, default=7)


class Named(Thing):
    title: str = text(most=4, default="?")


class Clock(Entity):
    seconds: int = integer(0, 60)


def test_numbers_stand_before_texts_else_as_declared() -> None:
    assert Thing.schema.names == ("x", "y", "score", "name")
    assert Named.schema.names == ("x", "y", "score", "name", "title")
    assert Thing.schema.name == "thing"
    assert not Thing.everywhere


def test_what_has_no_place_is_everywhere() -> None:
    assert Clock.everywhere


def test_fields_are_plain_attributes_with_defaults() -> None:
    thing = Thing(x=3, name="a")
    assert (thing.x, thing.y, thing.score, thing.name) == (3, 0, 7, "a")
    assert Thing.schema.raw(thing) == (3, 0, 7, "a")
    assert Clock.schema.raw(Clock()) == (0,)
    assert repr(thing) == "<Thing 0>"
    with pytest.raises(TypeError, match="no field 'z'"):
        Thing(z=1)


def values(entity: Entity) -> tuple[object, ...]:
    schema = entity.schema
    return tuple(
        quantise(value) for quantise, value in zip(schema.quantisers, schema.raw(entity), strict=True)
    )


def test_all_fields_and_some_as_bytes() -> None:
    sent = values(Thing(x=1, y=2.5, score=300, name="hé"))
    schema = Thing.schema
    assert schema.pack_full(0x1234, 9, sent) == bytes.fromhex("3412 09 02 05 2c01 03 68c3a9")
    assert schema.pack_changed(0x1234, 0b0001, sent) == bytes.fromhex("3412 01 02")
    assert schema.pack_changed(0x1234, 0b0110, sent) == bytes.fromhex("3412 06 05 2c01")
    assert schema.pack_changed(0x1234, 0b1000, sent) == bytes.fromhex("3412 08 03 68c3a9")
    assert schema.pack_changed(0x1234, 0b1100, sent) == bytes.fromhex("3412 0c 2c01 03 68c3a9")


def test_more_than_eight_fields_take_a_mask_of_two_bytes() -> None:
    wide: type[Entity] = type("Wide", (Entity,), {f"f{n}": integer(0, 9) for n in range(9)})
    sent = tuple(range(9))
    assert wide.schema.pack_changed(1, 1 << 8, sent) == bytes.fromhex("0100 0001 08")
    assert wide.schema.pack_full(1, 0, sent) == bytes.fromhex("0100 00 000102030405060708")


@pytest.mark.parametrize("count", [0, 17])
def test_a_kind_has_one_to_sixteen_fields(count: int) -> None:
    with pytest.raises(TypeError, match="fields, where 1 to 16 may be"):
        type("Wrong", (Entity,), {f"f{n}": integer(0, 9) for n in range(count)})


def test_clients_are_told_how_to_read_it() -> None:
    class Ship(Entity):
        heading: float = angle(steps=4)
        shielded: bool = flag()

    assert Ship.schema.description() == {
        "name": "ship",
        "fields": [
            {"name": "heading", "shape": "angle", "code": "B", "low": 0.0, "step": 1.5707963267948966},
            {"name": "shielded", "shape": "number", "code": "B", "low": 0, "step": 1},
        ],
    }
    assert all(isinstance(field, Field) for field in Ship.schema.fields)
