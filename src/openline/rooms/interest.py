"""Who sees what: a grid of squares, a radius, and a little more before something is lost from sight again.

Without that margin an entity at the edge of sight would come and go with every tick, and each coming costs a whole
entity.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openline.rooms.entity import Entity

__all__ = ["Interest"]


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
        self._side = self._far = 1.0 if radius is None else radius * (1 + margin)
        self._cells: dict[tuple[float, float], list[tuple[complex, Any]]] = {}
        self.everywhere: frozenset[Any] = frozenset()

    def place(self, entities: Iterable[Entity]) -> None:
        """Take in where everything stands now."""
        if self._radius is None:
            self.everywhere = frozenset(entities)
            return
        cells: dict[tuple[float, float], list[tuple[complex, Any]]] = {}
        everywhere: set[Any] = set()
        side = self._side
        entity: Any
        for entity in entities:
            if entity.everywhere:
                everywhere.add(entity)
                continue
            x, y = entity.x, entity.y
            cell = (x // side, y // side)
            if cell in cells:
                cells[cell].append((complex(x, y), entity))
            else:
                cells[cell] = [(complex(x, y), entity)]
        self._cells, self.everywhere = cells, frozenset(everywhere)

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
            near, far, cells = self._radius, self._far, self._cells
            column, row, here = x // self._side, y // self._side, complex(x, y)
            places: list[tuple[complex, Any]] = []
            for i in (column - 1, column, column + 1):
                for j in (row - 1, row, row + 1):
                    cell = cells.get((i, j))
                    if cell:
                        places += cell
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
