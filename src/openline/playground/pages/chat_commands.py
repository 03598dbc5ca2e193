"""What a page may ask of a room: the shape of each command; and text made fit to be shown to others."""

from __future__ import annotations

import time
import unicodedata
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from openline.hub import Refused

__all__ = [
    "MAX_TEXT",
    "Action",
    "Edit",
    "Message",
    "Mute",
    "Notice",
    "Reaction",
    "Read",
    "Typing",
    "action_of",
    "clean",
    "notice_of",
    "now_ms",
]

MAX_TEXT = 2_000
"""Characters of a message; the rest is cut off."""

MAX_ROWS = 40
"""Rows of a message; what goes beyond is joined to the last."""

Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,40}\Z")]
"""What a page calls something that it does, made up anew for each; the same when it sends it once more."""

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{8,40}\Z")]
"""Of a message: its author, and the key that he gave it."""

Sign = Literal["like", "love", "laugh", "star", "look", "done"]
"""What one may react with; the page draws them."""


class Message(Struct, tag="message", forbid_unknown_fields=True):
    """Say something."""

    key: Key
    text: str

    def __post_init__(self) -> None:
        self.text = clean(self.text)
        if not self.text:
            raise ValueError("there is nothing in that message")


class Edit(Struct, tag="edit", forbid_unknown_fields=True):
    """Say something else in place of a message of one's own; an empty text takes it back."""

    key: Key
    of: Key
    text: str

    def __post_init__(self) -> None:
        self.text = clean(self.text)


class Reaction(Struct, tag="reaction", forbid_unknown_fields=True):
    """Put a sign below a message, or take it away."""

    key: Key
    of: Id
    sign: Sign
    on: bool


class Mute(Struct, tag="mute", forbid_unknown_fields=True):
    """Keep somebody from speaking for some minutes; 0: let him speak again."""

    key: Key
    user: Annotated[str, Meta(min_length=1, max_length=40)]
    minutes: Annotated[int, Meta(ge=0, le=10)]


class Typing(Struct, tag="typing", forbid_unknown_fields=True):
    """Be seen typing, or no more."""

    on: bool


class Read(Struct, tag="read", forbid_unknown_fields=True):
    """Have read what was said until then, in milliseconds since 1970."""

    at: Annotated[int, Meta(ge=0)]


Action = Message | Edit | Reaction | Mute
"""What becomes a part of a room's history."""

Notice = Typing | Read
"""What is only told to those who are in the room."""


def action_of(data: object) -> Action:
    """Read an action.

    Args:
        data: What a page sent: any JSON value, or bytes.

    Raises:
        Refused: it is none.
    """
    return _read(data, Action)


def notice_of(data: object) -> Notice:
    """Read a notice; like `action_of`."""
    return _read(data, Notice)


def _read(data: object, kinds: Any) -> Any:
    try:
        return msgspec.convert(data, kinds)
    except msgspec.ValidationError as error:
        raise Refused(400, f"This room does not understand that: {error}") from None


# Control characters and lone surrogates. Format characters stay: they join emoji, and whole scripts need them.
_UNWANTED = {"Cc", "Cs"}
_MARKS = {"Mn", "Me"}

# What turns the direction of text: a message must not turn what stands around it.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str) -> str:
    """Make a message of what a stranger sent: HTML stays what it is, which is text.

    Args:
        text: Anything.

    Returns:
        It without what is unseen, spaces squeezed, no more than two combining marks on a letter (a pile of them paints
        over the lines above), `MAX_TEXT` characters and `MAX_ROWS` rows at most. Empty: there was nothing in it.
    """
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text[: 4 * MAX_TEXT]):
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        if character == "\n" or (category not in _UNWANTED and marks <= 2 and character not in _TURNING):
            kept.append(character)
        elif character.isspace():
            kept.append(" ")
    rows = "".join(kept).strip().split("\n", MAX_ROWS - 1)
    return "\n".join(" ".join(row.split()) for row in rows)[:MAX_TEXT].strip()


def now_ms() -> int:
    """Return the time in milliseconds since 1970, as pages count it."""
    return int(time.time() * 1000)
