"""Players of a room without a network: a hub's own session, on a transport that keeps what it is given.

Time is a clock that the test moves, and a tick comes when the test says so. What a player gets is decoded by the
official SDK's messages and taken in by a `View`, as a client would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import centrifuge.protocol.client_pb2 as messages

from openline.hub import Hub, Session
from openline.hub.subprotocols.centrifuge_protobuf import PROTOBUF
from openline.rooms import Entity, Room, Seat, State, View, integer, number, text
from openline.rooms.messages import EVENT, OVER, STATE
from openline.testing import FakeClock


class Ship(Entity):
    x: float = number(0, 1000, step=0.5)
    y: float = number(0, 1000, step=0.5)
    score: int = integer(0, 9)
    name: str = text(most=8)


class Spark(Entity):
    x: float = number(0, 1000, step=1)
    y: float = number(0, 1000, step=1)


class Arena(Room):
    """A room in which inputs say by how much a ship moves, and that keeps what it was told."""

    kinds = (Ship, Spark)
    rate = 8  # a period that floats have exactly
    view = 100.0
    sight_every = 1
    said: list[str]

    def opened(self) -> None:
        self.said = []

    def join(self, seat: Seat) -> dict[str, Any]:
        seat.entity = self.spawn(Ship(x=500, y=500, name=f"{seat.data}"))
        self.said.append(f"join {seat.number}")
        return {"ship": seat.entity.id}

    def input(self, seat: Seat, data: bytes) -> None:
        ship: Any = seat.entity
        ship.x += data[0]
        self.said.append(f"input {seat.number} {data.hex()}")

    def away(self, seat: Seat) -> None:
        self.said.append(f"away {seat.number}")

    def back(self, seat: Seat) -> None:
        self.said.append(f"back {seat.number}")

    def leave(self, seat: Seat) -> None:
        assert seat.entity is not None
        self.despawn(seat.entity)
        self.said.append(f"leave {seat.number}")

    def closing(self) -> None:
        self.said.append("closing")


class Player:
    """The transport of a session, and its client.

    Attributes:
        session: The session; another after `come`.
        unsent: What the session is told of how many bytes wait.
        view: What the player sees.
        states: What the states said.
        ticks: The ticks of the states, and what was in sight after each.
        events: What `tell` has told.
        over: The code and reason with which the seat has ended.
        acknowledges: Whether inputs acknowledge states; else they repeat what was said before.
    """

    name = "websocket"
    connection = None
    emulated = False
    remote_address = ""

    def __init__(self, hub: Hub, user: str = "") -> None:
        self.hub = hub
        self.user = user
        self.unsent = 0
        self.view = View([kind.schema.description() for kind in Arena.kinds])
        self.states: list[State] = []
        self.sights: dict[int, dict[int, dict[str, Any]]] = {}
        self.events: list[bytes] = []
        self.over: tuple[int, str] | None = None
        self.number = 0
        self.come()

    def come(self) -> Session:
        """A new line."""
        self.session = Session(self.hub, self, PROTOBUF, None)  # type: ignore[arg-type]  # nobody looks at the request
        self.session.user = self.user
        self.view.forget()
        self.unsent = 0
        return self.session

    def cut(self) -> None:
        """The line has ended, and nobody said so."""
        self.session.closed = True

    def fall_behind(self) -> None:
        """The line takes nothing more."""
        self.unsent = self.hub.write_high + 1

    def catch_up(self) -> None:
        """The line has taken all."""
        self.unsent = 0
        self.session.drained()

    def write(self, unit: bytes) -> None:
        """Take what the session sends."""
        head = 1 if unit[0] < 128 else 2 if unit[1] < 128 else 3
        data = messages.Reply.FromString(unit[head:]).push.message.data
        match data[0]:
            case kind if kind == STATE:
                state = self.view.apply(data)
                self.states.append(state)
                self.sights[state.tick] = {key: dict(values) for key, values in self.view.entities.items()}
            case kind if kind == EVENT:
                self.events.append(data[1:])
            case kind:
                assert kind == OVER
                self.over = int.from_bytes(data[1:3], "little"), data[3:].decode()

    def close(self, code: int, reason: str, *, drop: bool = False) -> None:
        """The session has ended."""

    def pause(self) -> None:
        """Nothing is read from here."""

    def resume(self) -> None:
        """Nothing is read from here."""

    def input(self, data: bytes, *, acknowledge: bool = True) -> bytes:
        """The next input, as a message."""
        self.number += 1
        message = self.view.input(self.number, data)
        return message if acknowledge else message[:1] + bytes(4) + message[5:]


class Stage:
    """An open room, its hub and its clock.

    Args:
        loop: A loop, for the room's timer: it never runs.
        room: The room.
        clock: What the room was given.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, room: Arena, clock: FakeClock) -> None:
        self.hub = Hub(insecure=True)
        self.room = room
        self.clock = clock
        room.open(loop)

    def player(self, user: str = "") -> Player:
        """Somebody."""
        return Player(self.hub, user)

    def seated(self, user: str = "", data: Any = "") -> tuple[Player, Seat]:
        """Somebody with a seat."""
        player = self.player(user)
        seat, _ = self.room.admit(player.session, data)
        return player, seat

    def tick(self, count: int = 1) -> None:
        """Let so many periods pass, one after the other."""
        for _ in range(count):
            self.clock.advance(1 / self.room.rate)
            self.room.run_due()


@contextmanager
def stage(make: type[Arena] = Arena, **options: Any) -> Iterator[Stage]:
    """An open room; options are attributes of its class."""
    kind = type(make.__name__, (make,), options)
    clock = FakeClock(0.0)
    loop = asyncio.new_event_loop()
    try:
        yield Stage(loop, kind("a", clock=clock), clock)
    finally:
        loop.close()


def in_sight(seat: Seat) -> dict[int, dict[str, Any]]:
    """What a player should see by the last look: exact, as sent."""
    seen: dict[int, dict[str, Any]] = {}
    for entity in seat.seen:
        schema = entity.schema
        restored = [
            field.restore(sent) for field, sent in zip(schema.fields, entity.track.values, strict=True)
        ]
        seen[entity.id] = {"kind": schema.name, **dict(zip(schema.names, restored, strict=True))}
    return seen
