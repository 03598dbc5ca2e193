"""What is in a room: entities of a few kinds, and how their fields are packed.

On the wire (all numbers little-endian) an entity is, where it comes into view::

    id u16 · kind u8 · all fields

and where it has changed::

    id u16 · mask u8, u16 where the kind has more than 8 fields · the fields whose bit is set

Numbers stand before texts, otherwise fields keep the order in which they were declared; bit 0 is the first. A number
is its steps, in as many bytes as its range needs; a text is its length in a byte, then UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from struct import Struct
from typing import Any, ClassVar, TypeAlias

from openline.rooms.fields import Field

__all__ = ["MAX_FIELDS", "Entity", "Schema", "Track"]

MAX_FIELDS = 16

_Packer: TypeAlias = tuple[
    Callable[..., bytes], Callable[[tuple[Any, ...]], tuple[Any, ...]], tuple[int, ...]
]
"""How the fields of a mask are packed: what packs the numbers, what picks them, and where the texts stand."""


class Schema:
    """The fields of one kind of entities.

    Args:
        name: The kind's name, for clients.
        fields: By name, in the order of their declaration.

    Raises:
        TypeError: there are none, or more than `MAX_FIELDS`.

    Attributes:
        name: The kind's name.
        names: The names, in the order of the wire.
        fields: The fields, likewise.
        numbers: How many of them are no texts; those stand first.
        mask_code: How `struct` packs a mask.
        raw: Reads all values of an entity.
        quantisers: Make of each value what is sent; they raise where it is none of its field.
    """

    def __init__(self, name: str, fields: dict[str, Field]) -> None:
        if not 1 <= len(fields) <= MAX_FIELDS:
            raise TypeError(f"{name} has {len(fields)} fields, where 1 to {MAX_FIELDS} may be")
        ordered = sorted(fields.items(), key=lambda item: item[1].shape == "text")
        self.name = name
        self.names = tuple(key for key, _ in ordered)
        self.fields = tuple(field for _, field in ordered)
        self.numbers = sum(field.shape != "text" for field in self.fields)
        self.mask_code = "B" if len(self.fields) <= 8 else "H"
        get: Callable[[Any], Any] = attrgetter(*self.names)
        self.raw: Callable[[Any], tuple[Any, ...]] = (
            get if len(self.names) > 1 else lambda entity: (get(entity),)
        )
        self.quantisers = tuple(field.quantise for field in self.fields)
        self._full = Struct("<HB" + "".join(field.code for field in self.fields[: self.numbers]))
        self._packers: dict[int, _Packer] = {}

    def pack_full(self, entity: int, kind: int, values: tuple[Any, ...]) -> bytes:
        """Pack all fields, for who did not see the entity before."""
        data = self._full.pack(entity, kind, *values[: self.numbers])
        return data if self.numbers == len(values) else data + _pack_texts(values[self.numbers :])

    def pack_changed(self, entity: int, mask: int, values: tuple[Any, ...]) -> bytes:
        """Pack the fields of a mask."""
        pack, pick, texts = self._packers.get(mask) or self._packer(mask)
        data = pack(entity, mask, *pick(values))
        return data + _pack_texts([values[at] for at in texts]) if texts else data

    def _packer(self, mask: int) -> _Packer:
        """Find out how to pack a mask, once for each."""
        picked = [at for at in range(len(self.fields)) if mask >> at & 1]
        numbers = [at for at in picked if at < self.numbers]
        codes = "".join(self.fields[at].code for at in numbers)
        found: _Packer = (
            Struct(f"<H{self.mask_code}{codes}").pack,
            _picker(numbers),
            tuple(at for at in picked if at >= self.numbers),
        )
        self._packers[mask] = found
        return found

    def description(self) -> dict[str, Any]:
        """Say to a client how to read entities of this kind."""
        fields = zip(self.names, self.fields, strict=True)
        return {
            "name": self.name,
            "fields": [{"name": name, **field.description()} for name, field in fields],
        }


def _pack_texts(texts: Sequence[bytes]) -> bytes:
    return b"".join([bytes((len(data),)) + data for data in texts])


def _picker(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    start = places[0] if places else 0
    return itemgetter(slice(start, start + len(places)))


class Track:
    """What a room knows of an entity.

    Attributes:
        raw: The values that were looked at last; None: none were.
        values: What is sent of them; empty: nothing can be.
        changed: The tick in which each field has changed last.
        at: The tick in which any has.
        full: All fields, packed; None: not since they have changed.
    """

    __slots__ = ("at", "changed", "full", "raw", "values")

    def __init__(self) -> None:
        self.raw: tuple[Any, ...] | None = None
        self.values: tuple[Any, ...] = ()
        self.changed: list[int] = []
        self.at = 0
        self.full: bytes | None = None


class Entity:
    """Something in a room that players see. Declare a kind with its fields::

        class Ship(Entity):
            x: float = number(0, 2000, step=0.25)
            y: float = number(0, 2000, step=0.25)
            name: str = text(most=24)

    and change them as you like: once a tick the room looks at what has changed. Where a kind has fields ``x`` and
    ``y``, who is near sees it; else everybody does.

    Args:
        values: Fields by name.

    Raises:
        TypeError: there is no such field.

    Attributes:
        schema: The kind's fields.
        everywhere: Everybody sees it, wherever it is. Set in the class; also for what has a place.
        id: Its number in its room, of 16 bits; 0: it is in none. Given anew to another long after it has gone.
        track: What the room knows of it; the room's own.
    """

    schema: ClassVar[Schema]
    everywhere: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fields: dict[str, Field] = {}
        inherited = getattr(cls, "schema", None)
        if isinstance(inherited, Schema):
            fields.update(zip(inherited.names, inherited.fields, strict=True))
        for name, value in list(vars(cls).items()):
            if isinstance(value, Field):
                fields[name] = value
                setattr(cls, name, value.default)
        cls.schema = Schema(cls.__name__.lower(), fields)
        if not {"x", "y"} <= fields.keys():
            cls.everywhere = True

    def __init__(self, **values: Any) -> None:
        self.id = 0
        self.track = Track()
        for name, value in values.items():
            if name not in self.schema.names:
                raise TypeError(f"{self.schema.name} has no field {name!r}")
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"
