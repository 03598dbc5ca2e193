"""The chat page's line: a `Room` put on WebSockets. What one does becomes messages to oneself, the others, or all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import cast

from openline import ServerConnection, broadcast
from openline.playground.chat_room import Delivery, Flooding, Person, Room, RoomFull, To
from openline.protocol.close_codes import CloseCode

MAX_COMMAND = 8 * 2**10  # bytes; the longest line that a room takes, escaped


class Chat:
    """One room, and the lines of the people in it."""

    def __init__(self) -> None:
        self._room = Room()
        self._lines: dict[int, ServerConnection] = {}

    async def __call__(self, ws: ServerConnection) -> None:
        """Serve one visitor. The first message is ``{"type": "enter", "name": ...}``; see `Room` for the rest."""
        person: Person | None = None
        try:
            async for message in ws:
                command = _parse(message)
                if person is not None:
                    self._deliver(person, self._room.receive(person, command, time.monotonic(), time.time()))
                elif command.get("type") == "enter":
                    person = self._enter(ws, command.get("name"))
                else:
                    await ws.close(CloseCode.POLICY_VIOLATION, "Enter the room first")
        except RoomFull:
            await ws.close(CloseCode.TRY_AGAIN_LATER, "The room is full")
        except Flooding:
            await ws.close(CloseCode.POLICY_VIOLATION, "Too many commands in a row were refused")
        finally:
            if person is not None:
                del self._lines[person.id]
                self._deliver(person, self._room.leave(person))

    def _enter(self, ws: ServerConnection, name: object) -> Person:
        person, deliveries = self._room.enter(name, time.monotonic())
        self._lines[person.id] = ws
        self._deliver(person, deliveries)
        return person

    def _deliver(self, person: Person, deliveries: Iterable[Delivery]) -> None:
        """Send each message to those it is for. Nobody is waited for: `broadcast` leaves out who does not read."""
        for delivery in deliveries:
            broadcast(self._audience(delivery.to, person), delivery.serialize())

    def _audience(self, to: To, person: Person) -> list[ServerConnection]:
        if to is To.ALL:
            return list(self._lines.values())
        return [line for number, line in self._lines.items() if (number == person.id) is (to is To.SENDER)]


def _parse(message: str | bytes) -> dict[str, object]:
    """Read a command; what is none becomes an empty one, which the room refuses."""
    try:
        command: object = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", command) if isinstance(command, dict) else {}
