"""openline's rooms: one arena in which ships fly about, each seeing those that are near."""

from __future__ import annotations

import math
import random
from typing import Any

import openline
from benchmarks.peers.job import Job, run
from openline.hub import Hub, Session
from openline.rooms import Entity, Room, Rooms, Seat, angle, integer, number, text

PLAYERS = 200
SEEN = 20
"""Others that a player sees, on average."""
RADIUS = 300.0
SIDE = math.sqrt(PLAYERS / SEEN * math.pi) * RADIUS
"""Of the arena: its ends meet, but nobody sees across."""
STEP = 200.0 / 30


class Ship(Entity):
    """A player's."""

    x: float = number(0, SIDE, step=0.125)
    y: float = number(0, SIDE, step=0.125)
    heading: float = angle()
    score: int = integer(0, 65_535)
    name: str = text(most=16)


class Arena(Room):
    """Each input turns a ship, and moves it by one step."""

    kinds = (Ship,)
    capacity = PLAYERS
    view = RADIUS
    inputs_per_tick = 1

    def join(self, seat: Seat) -> None:
        seat.entity = self.spawn(
            Ship(x=random.uniform(0, SIDE), y=random.uniform(0, SIDE), name=f"player {seat.number}")
        )

    def leave(self, seat: Seat) -> None:
        self.despawn(seat.entity)

    def input(self, seat: Seat, data: bytes) -> None:
        ship = seat.entity
        ship.heading = data[0] * math.tau / 256
        ship.x = (ship.x + math.cos(ship.heading) * STEP) % SIDE
        ship.y = (ship.y + math.sin(ship.heading) * STEP) % SIDE


async def start(job: Job) -> object:
    hub = Hub(insecure=True)
    rooms = Rooms(hub, Arena)

    @hub.rpc("lateness")
    def lateness(session: Session, data: Any) -> dict[str, Any]:
        place = rooms.place_of(session)
        assert place is not None
        room, _ = place
        late = room.lateness
        seats = list(room.seats.values())
        return {
            "p50": late.p50,
            "p99": late.p99,
            "most": late.most,
            "left_out": late.left_out,
            "seen": sum(len(seat.seen) for seat in seats) / len(seats) - 1,
            "inputs_left_out": sum(seat.left_out for seat in seats),
            "skipped": sum(seat.skipped for seat in seats),
        }

    @hub.rpc("forget")
    def forget(session: Session, data: Any) -> None:
        place = rooms.place_of(session)
        assert place is not None
        place[0].forget_lateness()

    await hub.start()
    return hub, await openline.serve(hub, sock=job.sock, compression=None)


if __name__ == "__main__":
    run(start)
