"""What is in the arena, and how a ship flies.

The page has the same in `flight.ts`: it flies ahead, and corrects itself by what the server says.
"""

from __future__ import annotations

from math import cos, dist, sin, tau
from random import randrange

from openline.rooms import Entity, angle, flag, integer, number, text

WIDTH, HEIGHT, EDGE = 2400, 1600, 20  # units
STEP = 1 / 30  # seconds of an input
SPEED, DASH = 250.0, 640.0  # units a second
GRIP = 0.25  # how much of the wanted speed a ship takes on in a step
FULL = 60  # steps from one dash to the next
BURN = 9  # those of them in which it dashes
SHIELD = 60  # ticks
REACH = 34.0  # units between two that meet


class Spark(Entity):
    """Something to collect."""

    x: float = integer(0, WIDTH)
    y: float = integer(0, HEIGHT)
    worth: int = integer(1, 3)


class Ship(Entity):
    """A player's, or a bot's.

    ``charge`` runs from 0, where a dash begins, up to `FULL`: then there may be another. ``shield`` counts the ticks in
    which it cannot be tagged. ``away``: its player's line is cut.
    """

    x: float = number(0, WIDTH, step=1 / 16)
    y: float = number(0, HEIGHT, step=1 / 16)
    vx: float = number(-650, 650, step=0.1)
    vy: float = number(-650, 650, step=0.1)
    heading: float = angle()
    charge: int = integer(0, FULL, default=FULL)
    shield: int = integer(0, SHIELD)
    away: bool = flag()
    score: int = integer(0, 65_535)
    color: int = integer(0, 7)
    name: str = text(most=96)

    @property
    def safe(self) -> bool:
        """Whether nobody can tag it."""
        return self.shield > 0 or self.away or self.dashing

    @property
    def dashing(self) -> bool:
        """Whether it tags whom it meets."""
        return self.charge < BURN

    def meets(self, other: Ship | Spark) -> bool:
        """Whether it touches the other."""
        return dist((self.x, self.y), (other.x, other.y)) < REACH

    def fly(self, heading: int, thrust: int, dash: bool) -> None:
        """Move by one step.

        Args:
            heading: Where to, in parts of 256 of the circle.
            thrust: How fast, up to 255.
            dash: Whether to begin a dash, if it may.
        """
        self.heading = heading * tau / 256
        self.charge = 0 if dash and self.charge == FULL else min(self.charge + 1, FULL)
        speed = DASH if self.dashing else SPEED * thrust / 255
        self.vx += (cos(self.heading) * speed - self.vx) * GRIP
        self.vy += (sin(self.heading) * speed - self.vy) * GRIP
        self.x = min(max(self.x + self.vx * STEP, EDGE), WIDTH - EDGE)
        self.y = min(max(self.y + self.vy * STEP, EDGE), HEIGHT - EDGE)


def anywhere() -> dict[str, int]:
    """A place in the arena."""
    return {"x": randrange(60, WIDTH - 60), "y": randrange(60, HEIGHT - 60)}
