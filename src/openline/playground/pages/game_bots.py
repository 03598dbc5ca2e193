"""Ships that fly by themselves, so that whoever comes alone sees a full arena. They make room for players."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, hypot, tau
from random import Random
from typing import Protocol

from openline.playground.pages.game_pieces import FULL, Ship, Spark

__all__ = ["SHIPS", "Bots", "Field"]

SHIPS = 14
"""In an arena, as long as there are fewer players."""

TURN = 9
"""Parts of 256 of the circle that they turn by in a step: people can escape them."""

NAMES = (
    "Ada",
    "Blériot",
    "Bessie",
    "Amelia",
    "Otto",
    "Katherine",
    "Yuri",
    "Mae",
    "Sally",
    "Igor",
    "Harriet",
    "Jean",
)


class Field(Protocol):
    """What bots know of the arena."""

    ships: list[Ship]
    sparks: list[Spark]

    def enter(self, name: str, color: int) -> Ship: ...
    def retire(self, ship: Ship) -> None: ...


class Bot:
    """Who flies one of them.

    Args:
        ship: The ship.
        chance: What it does by chance.
    """

    def __init__(self, ship: Ship, chance: Random) -> None:
        self.ship = ship
        self._chance = chance
        self._heading = chance.randrange(256)
        self._goal: Spark | None = None
        self._patience = 0

    def fly(self, ships: Sequence[Ship], sparks: Sequence[Spark]) -> None:
        """Make a step: after a spark, or into somebody who is near and has some."""
        ship, chance = self.ship, self._chance
        if self._goal not in sparks or self._patience <= 0:
            self._goal = min(chance.sample(sparks, min(len(sparks), 12)), key=self._distance, default=None)
            self._patience = chance.randrange(60, 150)
        self._patience -= 1
        prey = None
        if ship.charge == FULL and chance.random() < 0.08:
            prey = min((one for one in ships if self._is_prey(one)), key=self._distance, default=None)
        goal = prey or self._goal
        if goal is None:
            return
        wanted = round(atan2(goal.y - ship.y, goal.x - ship.x) / tau * 256)
        turn = (wanted - self._heading + 128) % 256 - 128
        self._heading = wanted if prey else self._heading + max(-TURN, min(turn, TURN))
        slow = 150 if abs(turn) > 40 else 215
        ship.fly(self._heading % 256, slow, prey is not None)

    def _is_prey(self, other: Ship) -> bool:
        return other is not self.ship and not other.safe and other.score > 4 and self._distance(other) < 170

    def _distance(self, what: Ship | Spark) -> float:
        return hypot(what.x - self.ship.x, what.y - self.ship.y)


class Bots:
    """All bots of an arena.

    Args:
        field: The arena.
        seed: What they do by chance hangs on it. None: on nothing.
    """

    def __init__(self, field: Field, seed: int | None = None) -> None:
        self.all: list[Bot] = []
        self._field = field
        self._chance = Random(seed)
        self._named = 0
        while len(field.ships) < SHIPS:
            self._add()

    def fly(self) -> None:
        """Make a step with each; one comes, or goes, for there to be as many ships as there should."""
        if len(self._field.ships) < SHIPS:
            self._add()
        elif len(self._field.ships) > SHIPS and self.all:
            self._field.retire(self.all.pop(0).ship)
        for bot in self.all:
            bot.fly(self._field.ships, self._field.sparks)

    def _add(self) -> None:
        name = NAMES[self._named % len(NAMES)]
        self._named += 1
        self.all.append(Bot(self._field.enter(f"{name} (bot)", self._named % 8), self._chance))
