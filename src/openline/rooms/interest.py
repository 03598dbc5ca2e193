"""Who sees what: rows of what stands side by side, a radius, and a little more before something is lost from sight.

Without that margin an entity at the edge of sight would come and go with every tick, and each coming costs a whole
entity.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from heapq import nsmallest
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from openline.rooms.entity import Entity

__all__ = ["Interest"]

_Row: TypeAlias = tuple[list[float], list[tuple[complex, Any]]]
"""What stands in a row, from left to right: each ``x``, to be searched; and each place, with who is there."""

_FIRST = itemgetter(0)


class Interest:
    """What stands where, of one room, as of the last `place`.

    Args:
        radius: How far one sees, in the units of ``x`` and ``y``. None: everything.
        margin: What is seen stays in sight up to ``radius * (1 + margin)``.
        most: Entities that a player sees at most; of more, those that are everywhere, and then the nearest.

    Raises:
        ValueError: these make no sense.

    Attributes:
        everywhere: What everybody sees.
    """

    def __init__(self, radius: float | None, *, margin: float = 0.15, most: int = 256) -> None:
        if (radius is not None and radius <= 0) or margin < 0 or most < 1:
            raise ValueError("a radius is above 0, a margin not negative, and one sees at least one entity")
        self._radius = radius
        self._most = most
        self._far = 1.0 if radius is None else radius * (1 + margin)
        # Two rows are as high as one sees far, and a little higher, for what rounding takes.
        self._reach = self._far * (1 + 1e-9)
        self._height = self._reach / 2
        self._rows: dict[float, _Row] = {}
        self.everywhere: frozenset[Any] = frozenset()

    def place(self, entities: Iterable[Entity]) -> None:
        """Take in where everything stands now."""
        if self._radius is None:
            self.everywhere = frozenset(entities)
            return
        rows: dict[float, _Row] = {}
        everywhere: set[Any] = set()
        placed: list[tuple[float, float, Any]] = []
        entity: Any
        for entity in entities:
            if entity.everywhere:
                everywhere.add(entity)
                continue
            x, y = entity.x, entity.y
            if x - x == 0:  # neither infinite nor none: such a one is nowhere, and must not spoil the order
                placed.append((x, y, entity))
        placed.sort(key=_FIRST)
        height = self._height
        for x, y, entity in placed:
            row = rows.get(y // height)
            if row is None:
                row = rows[y // height] = ([], [])
            row[0].append(x)
            row[1].append((complex(x, y), entity))
        self._rows, self.everywhere = rows, frozenset(everywhere)

    def seen(self, x: float, y: float, before: frozenset[Entity]) -> frozenset[Entity]:
        """Return what is seen from a place.

        Args:
            x: The place.
            y: The place.
            before: What was seen by the same player until now.

        Returns:
            ``before`` itself where nothing has come or gone.
        """
        if self._radius is None:
            found: Any = self.everywhere
        else:
            # On the path of every player: with complex numbers a distance is a subtraction and a call, both in C.
            near, far, rows = self._radius, self._far, self._rows
            number, here = y // self._height, complex(x, y)
            left, right = x - self._reach, x + self._reach
            places: list[tuple[complex, Any]] = []
            for at in (number - 2, number - 1, number, number + 1, number + 2):
                row = rows.get(at)
                if row is not None:
                    xs, there = row
                    places += there[bisect_left(xs, left) : bisect_right(xs, right)]
            found = [
                one
                for place, one in places
                if (away := abs(place - here)) <= near or (away <= far and one in before)
            ]
            found += self.everywhere
        if len(found) > self._most:
            found = nsmallest(self._most, found, key=lambda one: _square(one, x, y))
        seen: frozenset[Entity] = frozenset(found)
        return before if seen == before else seen


def _square(entity: Any, x: float, y: float) -> float:
    """How far it is; what is everywhere comes first."""
    return -1.0 if entity.everywhere else (entity.x - x) ** 2 + (entity.y - y) ** 2
