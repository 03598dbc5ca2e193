"""`Rooms`: the rooms of one game on a hub. It finds newcomers a seat, and brings players back into theirs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, cast

from openline.hub.codes import ErrorCode, Refused
from openline.rooms.messages import Over

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.session import Session
    from openline.rooms.room import Room
    from openline.rooms.seat import Seat

__all__ = ["Rooms"]

logger = logging.getLogger("openline.rooms")

MAX_NAME = 64
"""Characters of a room's name."""


class Rooms:
    """The rooms of one game::

        rooms = Rooms(hub, Arena)

    Clients join by the RPC ``game.join`` with ``{"room": name, "ticket": ticket, "data": anything}``, all of it
    optional, and are answered ``{"room", "seat", "ticket", "rate", "tick", "input", "kinds", "back", "data"}``. Who
    brings the ticket of an earlier answer gets the same seat back, while the room keeps it. ``game.leave`` gives the
    seat away. A session has one seat at a time.

    Args:
        hub: The hub. Its players must speak protobuf.
        make: Makes a room of its name: a subclass of `Room`.
        name: What the RPC methods begin with.
        most: Rooms at most.
        most_of_one: Seats that one user may have in all rooms together. For one more, the oldest that he is away
            from goes; where he is away from none, he is refused with 106. Users without an id are not counted.
        listen: Register the hub's ``on_message``. False: the application has one, and calls `receive` in it.
        clock: Seconds of a clock that only grows.

    Raises:
        ValueError: ``most`` or ``most_of_one`` is below 1, or the hub has these methods, or that hook, already.

    Attributes:
        hub: The hub.
        rooms: The open rooms, by name.
        counted: Rooms that were opened.
    """

    def __init__(
        self,
        hub: Hub,
        make: Callable[[str], Room],
        *,
        name: str = "game",
        most: int = 16,
        most_of_one: int = 4,
        listen: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if most < 1 or most_of_one < 1:
            raise ValueError("there must be a room at least, and a seat for each")
        self.hub = hub
        self.rooms: dict[str, Room] = {}
        self.counted = 0
        self._make = make
        self._most = most
        self._most_of_one = most_of_one
        self._clock = clock
        self._places: dict[Session, tuple[Room, Seat]] = {}
        self._tickets: dict[str, tuple[Room, Seat]] = {}
        hub.rpc(f"{name}.join")(self.join)
        hub.rpc(f"{name}.leave")(self.leave)
        if listen:
            hub.on_message(self.receive)

    def __repr__(self) -> str:
        return f"<Rooms {len(self.rooms)} open, {len(self._tickets)} seats taken>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all rooms. Idempotent; who joins afterwards opens a new one."""
        for room in list(self.rooms.values()):
            room.close()

    async def run(self) -> None:
        """Wait until this is cancelled, and close all rooms then: a job that lives as long as its server."""
        try:
            await self.hub.loop.create_future()
        finally:
            self.close()

    def place_of(self, session: Session) -> tuple[Room, Seat] | None:
        """Return where somebody sits; None: nowhere."""
        return self._places.get(session)

    # What clients ask for.

    def join(self, session: Session, data: Any) -> dict[str, Any]:
        """Give a session a seat: its old one, or the first that is free in the fullest room.

        Args:
            session: The session.
            data: What the client sent.

        Returns:
            What it is told.

        Raises:
            Refused: 107, this is malformed; 108, it does not speak protobuf; 105, it has a seat; 102, there is no such
                room; 106, there is no free seat; or what `Room.join` raises.
        """
        if not isinstance(data, dict | None):
            raise Refused(ErrorCode.BAD_REQUEST)
        wish = cast("dict[str, Any]", data or {})
        ticket, name = wish.get("ticket"), wish.get("room")
        if not isinstance(ticket, str | None) or not isinstance(name, str | None):
            raise Refused(ErrorCode.BAD_REQUEST)
        if session.encoding != "protobuf":
            raise Refused(ErrorCode.NOT_AVAILABLE, "a room's states are binary: connect with protobuf")
        if session in self._places:
            raise Refused(ErrorCode.ALREADY_SUBSCRIBED, "this session has a seat")
        known = self._tickets.get(ticket) if ticket else None
        if known is not None and known[1].user == session.user:
            room, seat = known
            if seat.session is not None:
                self._places.pop(seat.session, None)
            back, answer = True, room.readmit(seat, session)
        else:
            self._make_room_for(session.user)
            room = self._find(name)
            back = False
            seat, answer = room.admit(session, wish.get("data"))
            self._tickets[seat.ticket] = room, seat
        self._places[session] = room, seat
        return {
            "room": room.name,
            "seat": seat.number,
            "ticket": seat.ticket,
            "rate": room.rate,
            "tick": room.now,
            "input": seat.newest,
            "kinds": [kind.schema.description() for kind in room.kinds],
            "back": back,
            "data": None if answer is None else dict(answer),
        }

    def leave(self, session: Session) -> None:
        """Give a session's seat away; without one, nothing happens."""
        place = self._places.get(session)
        if place is not None:
            place[0].end(place[1], Over.LEFT)

    def receive(self, session: Session, data: Any) -> None:
        """Take a message of a player.

        Raises:
            Refused: 103, it has no seat; else see `Room.receive`.
        """
        place = self._places.get(session)
        if place is None:
            raise Refused(ErrorCode.PERMISSION_DENIED)
        place[0].receive(place[1], data)

    def _make_room_for(self, user: str) -> None:
        """See that a user may have a seat more; else whoever comes again and again would have all of them for a while.

        Raises:
            Refused: 106, he plays in as many as he may have.
        """
        his = [(room, seat) for room, seat in self._tickets.values() if seat.user == user] if user else []
        if len(his) < self._most_of_one:
            return
        for room, seat in his:  # the oldest first
            if seat.session is None or seat.session.closed:
                room.end(seat)
                return
        raise Refused(ErrorCode.LIMIT_EXCEEDED, "this user has as many seats as he may have")

    # Rooms.

    def _find(self, name: str | None) -> Room:
        if name is not None:
            known = self.rooms.get(name)
            if known is None:
                raise Refused(ErrorCode.UNKNOWN_CHANNEL, "there is no such room")
            return known
        free = [room for room in self.rooms.values() if not room.full]
        return max(free, key=lambda room: len(room.seats)) if free else self.open()

    def open(self, name: str = "") -> Room:
        """Open a room.

        Args:
            name: Its name, which no other has. Empty: a number.

        Raises:
            Refused: 106, there are ``most`` of them.
            ValueError: there is one of that name, or the name is too long.
            RuntimeError: the hub was not started.
        """
        if len(self.rooms) >= self._most:
            raise Refused(ErrorCode.LIMIT_EXCEEDED, "all rooms are full")
        self.counted += 1
        name = name or f"{self.counted}"
        if name in self.rooms or len(name) > MAX_NAME:
            raise ValueError(f"{name!r} is no name for a room, or there is one")
        room = self._make(name)
        room.open(self.hub.loop, self)
        self.rooms[name] = room
        return room

    def line_ended(self, seat: Seat) -> None:
        """A player's line has ended; called by the room."""
        if seat.session is not None:
            self._places.pop(seat.session, None)

    def seat_ended(self, seat: Seat, session: Session | None) -> None:
        """A seat is free again; called by the room."""
        self._tickets.pop(seat.ticket, None)
        if session is not None:
            self._places.pop(session, None)

    def room_closed(self, room: Room) -> None:
        """A room has closed; called by it."""
        if self.rooms.get(room.name) is room:
            del self.rooms[room.name]
