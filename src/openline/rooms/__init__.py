"""Game rooms on a hub: ticks, seats, and for each player what has changed of what he sees.

`Room` is the way in: a game is a subclass of it. `Rooms` opens them and finds players a seat.
"""

from __future__ import annotations

from openline.rooms.entity import Entity as Entity
from openline.rooms.fields import angle as angle
from openline.rooms.fields import flag as flag
from openline.rooms.fields import integer as integer
from openline.rooms.fields import number as number
from openline.rooms.fields import text as text
from openline.rooms.messages import Over as Over
from openline.rooms.metronome import Lateness as Lateness
from openline.rooms.room import Room as Room
from openline.rooms.seat import Seat as Seat
from openline.rooms.table import Rooms as Rooms
from openline.rooms.view import BadState as BadState
from openline.rooms.view import State as State
from openline.rooms.view import View as View
from openline.rooms.world import WorldFull as WorldFull

__all__ = [
    "BadState",
    "Entity",
    "Lateness",
    "Over",
    "Room",
    "Rooms",
    "Seat",
    "State",
    "View",
    "WorldFull",
    "angle",
    "flag",
    "integer",
    "number",
    "text",
]
