"""Bots: they fill the arena, fly after sparks, and make room."""

from __future__ import annotations

from openline.playground.pages.game_bots import SHIPS, Bots
from openline.playground.pages.game_pieces import Ship, Spark, anywhere


class Field:
    """An arena without rules."""

    def __init__(self, sparks: int = 30) -> None:
        self.ships: list[Ship] = []
        self.sparks = [Spark(**anywhere()) for _ in range(sparks)]

    def enter(self, name: str, color: int) -> Ship:
        self.ships.append(ship := Ship(**anywhere(), name=name, color=color))
        return ship

    def retire(self, ship: Ship) -> None:
        self.ships.remove(ship)


def test_they_fill_the_arena_and_make_room_for_players() -> None:
    field = Field()
    bots = Bots(field, seed=1)
    assert len(field.ships) == SHIPS
    assert len({ship.name for ship in field.ships}) > 10
    player = field.enter("Ada", 1)
    bots.fly()
    assert len(field.ships) == SHIPS
    assert player in field.ships
    field.retire(player)
    bots.fly()
    assert len(field.ships) == len(bots.all) == SHIPS


def test_they_reach_sparks() -> None:
    field = Field()
    bots = Bots(field, seed=1)
    reached = set()
    for _ in range(600):
        bots.fly()
        reached.update((bot, spark) for bot in bots.all for spark in field.sparks if bot.ship.meets(spark))
    assert len({bot for bot, _ in reached}) == SHIPS


def test_they_dash_into_who_is_near_and_has_something() -> None:
    field = Field()
    bots = Bots(field, seed=1)
    for ship in field.ships[1:]:
        ship.away = True
    hunter, prey = bots.all[0].ship, field.ships[1]
    prey.away, prey.score = False, 20
    dashed = False
    for _ in range(120):
        prey.x, prey.y = hunter.x + 100, hunter.y
        bots.fly()
        dashed = dashed or hunter.dashing
    assert dashed


def test_without_sparks_they_wait() -> None:
    field = Field(sparks=0)
    bots = Bots(field, seed=1)
    places = [(ship.x, ship.y) for ship in field.ships]
    bots.fly()
    assert [(ship.x, ship.y) for ship in field.ships] == places
