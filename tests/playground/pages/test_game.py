"""The rules of the arena, and the page's server code on a hub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from openline.hub import Connect, Hub, Refused
from openline.hub.stores import open_store
from openline.hub.values import to_payload
from openline.playground.application import Application
from openline.playground.pages import game
from openline.playground.pages.game_bots import SHIPS
from openline.playground.pages.game_pieces import HEIGHT, SHIELD, WIDTH, Ship, Spark
from openline.rooms import Seat, View
from openline.testing import FakeClock
from tests.hub.conformance.wire import connected, serving
from tests.rooms.players import Player


class Stage:
    """An arena, and a player in it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.clock = FakeClock(0.0)
        self.hub = Hub(insecure=True)
        self.room = game.Arena("1", clock=self.clock)
        self.room.open(loop)
        self.player, self.seat, answer = self.join("Ada", 3)
        self.answer: Any = answer
        self.ship: Ship = self.seat.entity

    def join(self, name: str, color: int) -> tuple[Player, Seat, Any]:
        player = Player(self.hub)
        player.session.info = to_payload({"name": name, "color": color})
        player.view = View([kind.schema.description() for kind in self.room.kinds])
        return (player, *self.room.admit(player.session, None))

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance(1 / 30 + 1e-6)
            self.room.run_due()

    def said(self, word: str) -> list[dict[str, Any]]:
        events = [json.loads(event) for event in self.player.events]
        return [event for event in events if word in event]

    def clear(self) -> None:
        """Nothing else is in the way."""
        for bot in self.room.bots.all:
            bot.ship.away = True
            bot.ship.x = bot.ship.y = 20
        self.room.bots.fly = lambda: None  # type: ignore[method-assign]
        for spark in self.room.sparks:
            spark.x, spark.y = WIDTH, HEIGHT


@contextmanager
def stage() -> Iterator[Stage]:
    loop = asyncio.new_event_loop()
    try:
        yield Stage(loop)
    finally:
        loop.close()


def test_who_joins_has_a_ship_of_his_name_and_sees_part_of_a_full_arena() -> None:
    with stage() as there:
        there.tick()
        assert there.answer == {"ship": there.ship.id, "width": WIDTH, "height": HEIGHT}
        assert len(there.room.ships) == SHIPS
        mine = there.player.view.entities[there.ship.id]
        assert (mine["name"], mine["color"], mine["score"]) == ("Ada", 3, 0)
        assert len(there.player.view.entities) < there.player.states[-1].total == SHIPS + game.SPARKS


def test_an_input_is_a_step_and_a_tick_takes_one() -> None:
    with stage() as there:
        there.clear()
        there.tick(10)
        there.ship.x = there.ship.y = 500
        for _ in range(3):
            there.room.receive(there.seat, there.player.input(bytes((0, 255, 0))))
        there.tick()
        moved = Ship(x=500, y=500)
        for _ in range(3):
            moved.fly(0, 255, dash=False)
        assert there.ship.x == moved.x  # nothing was used in the ticks before
        there.tick()
        assert there.ship.x == moved.x  # it moves by inputs alone


@pytest.mark.parametrize("data", [b"", b"\x01\x02", b"\x01\x02\x03\x04"])
def test_an_input_of_another_size_is_refused(data: bytes) -> None:
    with stage() as there:
        there.tick()
        there.room.receive(there.seat, there.player.input(data))
        there.tick()
        assert there.room.refused == {107: 1}
        assert there.room.failures == 0


def test_sparks_are_collected_and_others_appear() -> None:
    with stage() as there:
        there.clear()
        spark: Spark = there.room.sparks[0]
        there.ship.x, there.ship.y = spark.x, spark.y = 700, 700
        spark.worth = 3
        there.tick()
        assert there.ship.score == 3
        assert spark not in there.room.sparks
        assert len(there.room.sparks) == game.SPARKS


def test_a_dash_takes_sparks_from_whom_it_meets_and_not_twice() -> None:
    with stage() as there:
        there.clear()
        _, seat, _ = there.join("Bob", 1)
        bob: Ship = seat.entity
        there.ship.x, there.ship.y, there.ship.charge = 700, 700, 0
        bob.x, bob.y, bob.shield, bob.score = 710, 700, 0, 41
        there.tick(2)
        assert (there.ship.score, bob.score) == (15, 26)
        assert bob.shield == SHIELD - 2 or bob.shield == SHIELD - 1
        assert there.said("loot") == [{"by": [there.ship.id, "Ada"], "tagged": [bob.id, "Bob"], "loot": 15}]


def test_the_best_are_told_once_a_second() -> None:
    with stage() as there:
        there.ship.score = 9999
        there.tick(60)
        told = there.said("best")
        assert len(told) == 2
        assert told[-1]["best"][0] == [there.ship.id, "Ada", 3, there.ship.score]
        assert (told[-1]["ships"], told[-1]["players"]) == (SHIPS, 1)


def test_a_ship_waits_for_its_player() -> None:
    with stage() as there:
        there.tick()
        there.player.cut()
        there.tick()
        assert there.ship.safe
        there.room.readmit(there.seat, there.player.come())
        assert not there.ship.away
        assert there.seat.entity is there.ship
        there.room.end(there.seat)
        assert there.ship not in there.room.ships


def test_there_are_so_many_seats() -> None:
    with stage() as there:
        for number in range(there.room.capacity - 1):
            there.join(f"{number}", 0)
            there.tick()
        with pytest.raises(Refused):
            there.join("one too many", 0)
        assert not there.room.bots.all


async def test_the_page_on_a_hub() -> None:
    hub = Hub()
    hub.on_connect(lambda session, data: Connect(user="ada", info={"name": "Ada", "color": 2}))
    store = open_store("memory://")
    await store.start()
    app = Application(hub, store)
    game.install(app)
    async with serving(hub) as address, connected(address, "protobuf", "ada") as wire:
        app.begin()
        answer = (await wire.result(rpc={"method": "game.join", "data": {}}))["data"]
        view = View(answer["kinds"])
        while True:
            message = (await wire.push("message"))["data"]
            if message[0] == 2:
                break
        assert view.apply(message).full
        assert view.entities[answer["data"]["ship"]]["name"] == "Ada"
        await asyncio.sleep(0)
        await app.end()
        while (await wire.push("message"))["data"][0] != 4:
            pass
    await store.close()
