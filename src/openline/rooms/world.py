"""The entities of a room, and what has changed of them since when.

Each entity is looked at once a tick, and each change is packed once: all who have seen the state before get the same
bytes. For who was left out of some states, the fields that have changed since his last one are found by the tick in
which each has changed; so nothing is kept for a player but the number of his last state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openline.rooms.entity import Entity

__all__ = ["MAX_ENTITIES", "World", "WorldFull"]

MAX_ENTITIES = 2**15
"""Entities of a room at most: half of the ids, so that one is given anew long after it was free."""

_IDS = 2**16


class WorldFull(Exception):
    """`MAX_ENTITIES` are there."""

    def __init__(self) -> None:
        super().__init__(f"there are {MAX_ENTITIES} entities in the room already")


class World:
    """What there is.

    Args:
        kinds: The kinds of entities; an entity's kind is named by its place here.

    Raises:
        ValueError: there are more than 256.

    Attributes:
        entities: By id.
        tick: The last tick that was looked at.
        before: The one that was looked at before it.
        shown: How many entities there were at the last look.
        gone: Entities that have gone between these two.
        failures: What `look` could not send, of the last look: entities, and why.
    """

    def __init__(self, kinds: Sequence[type[Entity]]) -> None:
        if len(kinds) > 256:
            raise ValueError(f"{len(kinds)} kinds are more than 256")
        self.entities: dict[int, Entity] = {}
        self.tick = 0
        self.before = 0
        self.shown = 0
        self.gone: set[Entity] = set()
        self.failures: list[tuple[Entity, Exception]] = []
        self._kinds = {kind: at for at, kind in enumerate(kinds)}
        self._by_kind: dict[type[Entity], dict[int, Entity]] = {kind: {} for kind in kinds}
        self._leaving: set[Entity] = set()
        self._last = 0
        self._deltas: dict[Entity, bytes] = {}
        self._since: dict[int, dict[Entity, bytes]] = {}

    def spawn(self, entity: Entity) -> None:
        """Let an entity be there.

        Raises:
            TypeError: its kind was not declared.
            ValueError: it is in a room already, or was.
            WorldFull: there are too many.
        """
        members = self._by_kind.get(type(entity))
        if members is None:
            raise TypeError(f"{type(entity).__name__} is none of the room's kinds")
        if entity.id:
            raise ValueError(f"{entity!r} is in a room already, or was in one")
        if len(self.entities) >= MAX_ENTITIES:
            raise WorldFull
        while not self._last or self._last in self.entities:
            self._last = (self._last + 1) % _IDS
        entity.id = self._last
        self._last = (self._last + 1) % _IDS
        self.entities[entity.id] = members[entity.id] = entity

    def despawn(self, entity: Entity) -> None:
        """Let it go. Idempotent."""
        if self.entities.get(entity.id) is entity:
            del self.entities[entity.id], self._by_kind[type(entity)][entity.id]
            self._leaving.add(entity)

    def look(self, tick: int) -> None:
        """See what has changed since the last look.

        What cannot be sent, since a field has no value of its kind, stays for the players as it was; what is new and
        cannot be sent goes.

        Args:
            tick: A number above the last.
        """
        self.before, self.tick = self.tick, tick
        self.gone, self._leaving = self._leaving, set()
        self._deltas, self._since = {}, {}
        self.failures = []
        for kind, members in self._by_kind.items():
            for entity, raw in zip(members.values(), map(kind.schema.raw, members.values()), strict=True):
                if raw != entity.track.raw:
                    self._note(entity, raw)
        for entity, _ in self.failures:
            if not entity.track.values:
                self.despawn(entity)
        self.shown = len(self.entities)

    def _note(self, entity: Entity, raw: tuple[object, ...]) -> None:
        """Something has changed: find what of it is sent."""
        track, schema, tick = entity.track, entity.schema, self.tick
        before, track.raw = track.raw, raw
        values = list(track.values)
        if before is None or not values:
            self._note_new(entity, raw)
            return
        mask = 0
        for at, value in enumerate(raw):
            if value != before[at]:
                try:
                    sent = schema.quantisers[at](value)
                except Exception as error:
                    self.failures.append((entity, error))
                    continue
                if sent != values[at]:
                    values[at] = sent
                    track.changed[at] = tick
                    mask |= 1 << at
        if mask:
            now = track.values = tuple(values)
            track.at, track.full = tick, None
            self._deltas[entity] = schema.pack_changed(entity.id, mask, now)

    def _note_new(self, entity: Entity, raw: tuple[object, ...]) -> None:
        track = entity.track
        try:
            track.values = tuple(
                [quantise(value) for quantise, value in zip(entity.schema.quantisers, raw, strict=True)]
            )
        except Exception as error:
            self.failures.append((entity, error))
            return
        track.changed = [self.tick] * len(raw)
        track.at = self.tick

    # What players get.

    def full(self, entities: Iterable[Entity]) -> list[bytes]:
        """Pack entities for who did not see them."""
        packed: list[bytes] = []
        for entity in entities:
            track = entity.track
            data = track.full
            if data is None:
                kind = self._kinds[type(entity)]
                data = track.full = entity.schema.pack_full(entity.id, kind, track.values)
            packed.append(data)
        return packed

    def changes(self, entities: Iterable[Entity], base: int) -> list[bytes]:
        """Pack what has changed since a tick that was looked at, of entities that were there then."""
        if base == self.before:
            return list(filter(None, map(self._deltas.get, entities)))
        known = self._since.get(base)
        if known is None:
            known = self._since[base] = {}
        packed: list[bytes] = []
        for entity in entities:
            if entity.track.at > base:
                data = known.get(entity)
                if data is None:
                    data = known[entity] = self._pack_since(entity, base)
                packed.append(data)
        return packed

    @staticmethod
    def _pack_since(entity: Entity, base: int) -> bytes:
        mask = 0
        for at, tick in enumerate(entity.track.changed):
            if tick > base:
                mask |= 1 << at
        return entity.schema.pack_changed(entity.id, mask, entity.track.values)
