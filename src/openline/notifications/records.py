"""What stands in a user's log.

The log is the inbox. Every change is one entry that is appended and never altered, so writers on several nodes need
no lock: the store puts their entries into one order, and whoever reads them comes to the same inbox. `Snapshot` is
what all entries before it came to.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

__all__ = [
    "Acknowledged",
    "Cleared",
    "Entry",
    "Followed",
    "Marked",
    "MarkedAll",
    "Preferred",
    "Record",
    "Removed",
    "Sent",
    "Snapshot",
    "Unreadable",
    "decode",
    "encode",
]


class Unreadable(Exception):
    """An entry of a log is none of ours."""


class Entry(msgspec.Struct, array_like=True, gc=False):
    """A notification in an inbox.

    Attributes:
        number: Its place in the user's log, which also orders it.
        id: Who sent it calls it so; unique in the inbox.
        time: When it was sent, in milliseconds since 1970.
        expires: When it goes by itself, likewise; 0: never.
        topic: Empty: none.
        data: JSON.
        read: Whether a device has shown it to the user.
    """

    number: int
    id: str
    time: int
    expires: int
    topic: str
    data: bytes
    read: bool = False

    def is_over(self, now: int) -> bool:
        """Tell whether it has expired by now, in milliseconds since 1970."""
        return 0 < self.expires <= now


class Sent(msgspec.Struct, array_like=True, tag="sent", gc=False):
    """A notification came; ``following``: only for who follows its topic."""

    id: str
    time: int
    expires: int
    topic: str
    data: bytes
    following: bool = False


class Marked(msgspec.Struct, array_like=True, tag="mark", gc=False):
    """Some were read, or are to count as unread again."""

    numbers: list[int]
    read: bool


class MarkedAll(msgspec.Struct, array_like=True, tag="all", gc=False):
    """All up to this number were read."""

    through: int


class Removed(msgspec.Struct, array_like=True, tag="gone", gc=False):
    """Some were thrown away."""

    numbers: list[int]


class Acknowledged(msgspec.Struct, array_like=True, tag="ack", gc=False):
    """A device has all up to this number."""

    through: int


class Preferred(msgspec.Struct, array_like=True, tag="want", gc=False):
    """The user wants this of a topic; empty: what everybody gets."""

    topic: str
    mode: str


class Followed(msgspec.Struct, array_like=True, tag="follow", gc=False):
    """The user follows a topic, or does not any more."""

    topic: str
    on: bool


class Cleared(msgspec.Struct, array_like=True, tag="clear", gc=False):
    """All of it was thrown away: notifications, preferences and topics."""


class Snapshot(msgspec.Struct, array_like=True, tag="state", gc=False):
    """All that was before.

    Attributes:
        revision: Changes that clients were told of.
        acknowledged: Up to which number a device has all.
        entries: Oldest first.
        gone: Ids of notifications that are not there any more, oldest first.
        preferences: What is wanted, by topic.
        topics: Those that are followed.
    """

    revision: int
    acknowledged: int
    entries: list[Entry]
    gone: list[str]
    preferences: dict[str, str]
    topics: list[str]


Record: TypeAlias = (
    Sent | Marked | MarkedAll | Removed | Acknowledged | Preferred | Followed | Cleared | Snapshot
)

encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


def decode(data: bytes) -> Record:
    """Return what an entry of a log says.

    Raises:
        Unreadable: it is none of ours.
    """
    try:
        return _decode(data)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"an entry of an inbox's log cannot be read: {error}") from None
