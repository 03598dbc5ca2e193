"""Of which kind the shared types at a document's root are.

The protocol does not say: a type at the root has a name and no more, and is what who asks for it takes it for. But its
content tells, and to take it for another breaks the native code. An item says in which type it stands only where it has
no neighbour; the others stand where their neighbours do.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum

from openline.documents.updates import Content, Item, read_update

__all__ = ["RootKind", "root_kinds"]


class RootKind(Enum):
    """Of which kind a type at the root is."""

    TEXT = "text"
    MAP = "map"
    ARRAY = "array"
    XML = "xml"


def root_kinds(state: bytes) -> dict[str, RootKind]:
    """Return the kinds of the types at the root that have any content, by name.

    Args:
        state: A full state, which has been read before.
    """
    items = read_update(state, items=True).items or []
    found: dict[str, set[int]] = {}
    keyed_roots: dict[str, bool] = {}
    for item, (root, keyed) in zip(items, _places(items), strict=True):
        if root is None or item.content == Content.DELETED:
            continue
        if keyed:
            keyed_roots[root] = True
        else:
            found.setdefault(root, set()).add(item.content)
    kinds = dict.fromkeys(keyed_roots, RootKind.MAP)
    for root, contents in found.items():
        if Content.TEXT in contents:
            kinds[root] = RootKind.TEXT
        else:
            kinds[root] = RootKind.XML if Content.XML in contents else RootKind.ARRAY
    return kinds


def _places(items: list[Item]) -> list[tuple[str | None, bool]]:
    """Tell for each item the name of its type at the root, or None, and whether it has a key there."""
    indices: dict[int, list[int]] = {}
    for index, item in enumerate(items):
        indices.setdefault(item.client, []).append(index)
    clocks = {client: [items[index].clock for index in known] for client, known in indices.items()}
    places: list[tuple[str | None, bool] | None] = [None] * len(items)
    for index, item in enumerate(items):
        way: list[int] = []
        here: int | None = index
        place: tuple[str | None, bool] = (None, False)
        while here is not None:
            known = places[here]
            if known is not None:
                place = known
                break
            way.append(here)
            item = items[here]
            if item.neighbour is None:
                place = (item.root, item.keyed)
                break
            client, clock = item.neighbour
            at = bisect_right(clocks.get(client, []), clock) - 1
            here = indices[client][at] if at >= 0 else None
            if here is not None and clock >= items[here].clock + items[here].length:
                here = None  # it was deleted for good, and nothing of it is left
            if len(way) > len(items):
                break  # neighbours in a circle: nobody's
        for passed in way:
            places[passed] = place
    return [place or (None, False) for place in places]
