"""An arena: ships collect sparks, and dash into each other for those of others. The server owns all of it."""

from __future__ import annotations

import json
from typing import Any

from openline.hub import ErrorCode, Refused
from openline.playground.application import Application
from openline.playground.pages.game_bots import Bots
from openline.playground.pages.game_pieces import HEIGHT, SHIELD, WIDTH, Ship, Spark, anywhere
from openline.rooms import Room, Rooms, Seat

SPARKS = 90


class Arena(Room):
    kinds = (Ship, Spark)
    capacity, view, grace = 24, 640.0, 30.0
    inputs_per_tick = 1  # whoever sends more flies no faster

    def opened(self) -> None:
        self.ships: list[Ship] = []
        self.sparks = [self.spawn(Spark(**anywhere(), worth=1 + number % 3)) for number in range(SPARKS)]
        self.bots = Bots(self)

    def enter(self, name: str, color: int) -> Ship:
        self.ships.append(ship := self.spawn(Ship(**anywhere(), name=name, color=color, shield=SHIELD)))
        return ship

    def retire(self, ship: Ship) -> None:
        self.ships.remove(ship)
        self.despawn(ship)

    def join(self, seat: Seat) -> dict[str, Any]:
        seat.entity = self.enter(**seat.info)  # name and colour, from his `on_connect`
        return self.back(seat)

    def away(self, seat: Seat) -> None:
        seat.entity.away = True  # his line was cut: his ship is kept, and nobody can tag it

    def back(self, seat: Seat) -> dict[str, Any]:
        seat.entity.away = False
        return {"ship": seat.entity.id, "width": WIDTH, "height": HEIGHT}

    def leave(self, seat: Seat) -> None:
        self.retire(seat.entity)

    def input(self, seat: Seat, data: bytes) -> None:
        if len(data) != 3:
            raise Refused(ErrorCode.BAD_REQUEST)
        seat.entity.fly(heading=data[0], thrust=data[1], dash=bool(data[2]))

    def tick(self, dt: float) -> None:
        self.bots.fly()
        for ship in self.ships:
            ship.shield = max(ship.shield - 1, 0)
            for spark in [spark for spark in self.sparks if ship.meets(spark)]:
                ship.score += spark.worth
                self.sparks.remove(spark)
                self.despawn(spark)
                self.sparks.append(self.spawn(Spark(**anywhere(), worth=spark.worth)))
            for other in self.ships:
                if ship.dashing and other is not ship and ship.meets(other) and not other.safe:
                    loot = min(5 + other.score // 4, other.score)
                    ship.score, other.score, other.shield = ship.score + loot, other.score - loot, SHIELD
                    self.say(by=[ship.id, ship.name], tagged=[other.id, other.name], loot=loot)
        if self.now % 30 == 0:
            ranks = sorted(self.ships, key=lambda ship: -ship.score)
            best = [[ship.id, ship.name, ship.color, ship.score] for ship in ranks[:8]]
            self.say(ships=len(ranks), players=len(self.seats), best=best)

    def say(self, **what: object) -> None:
        self.tell(json.dumps(what).encode())


def install(app: Application) -> None:
    app.job(Rooms(app.hub, Arena).run)
