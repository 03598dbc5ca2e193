"""The chat room: who is here, who is typing, what was said, and how much one may say.

Plain Python without network or clock: commands and the time go in, deliveries come out. `openline.playground.chat`
puts it on a line. Everything has a bound: people, history, the length of names and lines, and the rate of each person.
"""

from __future__ import annotations

import json
import unicodedata
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

MAX_PEOPLE = 200
MAX_HISTORY = 100  # lines a newcomer is shown
MAX_NAME = 24  # characters
MAX_TEXT = 1_000  # characters
MAX_ROWS = 12  # in one line of the chat; what goes beyond is joined to the last
BURST = 8.0  # what one may spend at once ...
REFILL = 2.0  # ... and gets back each second
COST = {"say": 1.0, "rename": 1.0, "typing": 0.25}
MAX_REFUSALS = 50  # in a row; then the line is closed: nobody types that fast

# Unicode categories: control, format, surrogates, private, unassigned, separators of lines and paragraphs.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_UNSENDABLE = {"Cc", "Cs"}

Fields = dict[str, object]


class To(Enum):
    """Whom a delivery is for, seen from the person whose command caused it."""

    SENDER = "sender"
    OTHERS = "others"
    ALL = "all"


class Delivery(NamedTuple):
    """One message of the room and whom it is for."""

    to: To
    message: Fields

    def serialize(self) -> str:
        """Return the message as the JSON text that goes over the line."""
        return json.dumps(self.message, ensure_ascii=False, separators=(",", ":"))


class RoomFull(Exception):
    """`MAX_PEOPLE` are in the room."""


class Flooding(Exception):
    """Someone went on after `MAX_REFUSALS` refusals in a row."""


@dataclass(slots=True)
class Person:
    """Somebody in the room.

    Attributes:
        id: Unique for the life of the room.
        name: As cleaned by the room; unique among those present.
        typing: Whether the others are shown that this person is typing.
        allowance: What may still be spent; see `COST`.
        seen: When `allowance` was last topped up, in seconds.
        refusals: Commands refused since the last one accepted.
    """

    id: int
    name: str
    allowance: float
    seen: float
    typing: bool = False
    refusals: int = 0

    def card(self) -> Fields:
        """Return what the others may know."""
        return {"id": self.id, "name": self.name, "typing": self.typing}


@dataclass(slots=True)
class Room:
    """A room with its people and its last `MAX_HISTORY` lines."""

    people: dict[int, Person] = field(default_factory=dict[int, Person])
    history: deque[Fields] = field(default_factory=lambda: deque[Fields](maxlen=MAX_HISTORY))
    _last_id: int = 0
    _last_line: int = 0

    def enter(self, wanted_name: object, now: float) -> tuple[Person, list[Delivery]]:
        """Let somebody in.

        Args:
            wanted_name: What came over the line; cleaned here, "Guest" where nothing is left of it.
            now: Seconds of any steady clock.

        Returns:
            The person, and what is to be told: everything to the newcomer, the newcomer to the others.

        Raises:
            RoomFull: There is no place left.
        """
        if len(self.people) >= MAX_PEOPLE:
            raise RoomFull(f"{MAX_PEOPLE} people are here")
        self._last_id += 1
        person = Person(self._last_id, self._free_name(wanted_name), BURST, now)
        self.people[person.id] = person
        welcome: Fields = {
            "type": "welcome",
            "you": person.id,
            "people": [other.card() for other in self.people.values()],
            "history": list(self.history),
        }
        return person, [
            Delivery(To.SENDER, welcome),
            Delivery(To.OTHERS, {"type": "joined", "person": person.card()}),
        ]

    def leave(self, person: Person) -> list[Delivery]:
        """Take somebody out of the room; more than once does nothing."""
        if self.people.pop(person.id, None) is None:
            return []
        return [Delivery(To.OTHERS, {"type": "left", "id": person.id})]

    def receive(
        self, person: Person, command: Mapping[str, object], now: float, today: float
    ) -> list[Delivery]:
        """Do what somebody asks for.

        Args:
            person: Who asks; returned by `enter`.
            command: The message as it came, of any shape.
            now: Seconds of the steady clock that `enter` was given.
            today: Seconds since 1970, for the line in the history.

        Returns:
            What is to be told to whom. A command that is wrong or too much gets a "refused" for its sender alone.

        Raises:
            Flooding: Too many refusals in a row.
        """
        kind = command.get("type")
        if not isinstance(kind, str) or kind not in _COMMANDS:
            return self._refuse(person, "This room does not know that command.")
        if not _spend(person, COST[kind], now):
            return self._refuse(person, "Not so fast: wait a second and say it again.")
        person.refusals = 0
        return _COMMANDS[kind](self, person, command, today)

    def _say(self, person: Person, command: Mapping[str, object], today: float) -> list[Delivery]:
        text = clean(command.get("text"), MAX_TEXT, unwanted=_UNSENDABLE, keep="\n")
        if not text:
            return self._refuse(person, "There was nothing in that line.")
        self._last_line += 1
        line: Fields = {
            "id": self._last_line,
            "by": person.id,
            "name": person.name,
            "text": text,
            "at": round(today * 1000),
        }
        self.history.append(line)
        person.typing = False
        return [Delivery(To.ALL, {"type": "said", "line": line})]

    def _type(self, person: Person, command: Mapping[str, object], today: float) -> list[Delivery]:
        person.typing = command.get("on") is True
        return [Delivery(To.OTHERS, {"type": "typing", "id": person.id, "on": person.typing})]

    def _rename(self, person: Person, command: Mapping[str, object], today: float) -> list[Delivery]:
        person.name = ""  # so that one's own name counts as free
        person.name = self._free_name(command.get("name"))
        return [Delivery(To.ALL, {"type": "renamed", "id": person.id, "name": person.name})]

    def _refuse(self, person: Person, why: str) -> list[Delivery]:
        person.refusals += 1
        if person.refusals > MAX_REFUSALS:
            raise Flooding(f"{MAX_REFUSALS} commands in a row were refused")
        return [Delivery(To.SENDER, {"type": "refused", "why": why})]

    def _free_name(self, wanted: object) -> str:
        name = clean(wanted, MAX_NAME, unwanted=_UNSEEN) or "Guest"
        taken = {person.name.casefold() for person in self.people.values()}
        if name.casefold() not in taken:
            return name
        numbered = (f"{name[: MAX_NAME - 4]} {number}" for number in range(2, MAX_PEOPLE + 2))
        return next(candidate for candidate in numbered if candidate.casefold() not in taken)


_COMMANDS: dict[str, Callable[[Room, Person, Mapping[str, object], float], list[Delivery]]] = {
    "say": Room._say,  # pyright: ignore[reportPrivateUsage]
    "typing": Room._type,  # pyright: ignore[reportPrivateUsage]
    "rename": Room._rename,  # pyright: ignore[reportPrivateUsage]
}


def clean(text: object, limit: int, *, unwanted: set[str], keep: str = "") -> str:
    """Make a string of what a stranger sent.

    Args:
        text: Anything; what is no string counts as empty.
        limit: Characters that may remain.
        unwanted: The Unicode categories that are dropped.
        keep: Characters that stay, whatever their category.

    Returns:
        The text without what is unwanted, spaces squeezed, and no more than two combining marks on a letter (a pile of
        them paints over the lines above).
    """
    if not isinstance(text, str):
        return ""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text[: 4 * limit]):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if character in keep or (category not in unwanted and marks <= 2):
            kept.append(character)
        elif character.isspace():
            kept.append(" ")
    rows = "".join(kept).strip().split("\n", MAX_ROWS - 1)
    return "\n".join(" ".join(row.split()) for row in rows)[:limit].strip()


def _spend(person: Person, cost: float, now: float) -> bool:
    """Take `cost` from a person's allowance, topped up to `now`; False where it does not suffice."""
    person.allowance = min(BURST, person.allowance + (now - person.seen) * REFILL)
    person.seen = now
    if person.allowance < cost:
        return False
    person.allowance -= cost
    return True
