"""The messages of the y-websocket protocol, and the entries of its awareness.

=============  ==================================  ================================================
``0 0 bytes``  sync step 1: a state vector         answered with what it lacks
``0 1 bytes``  sync step 2: an update              what a step 1 has asked for
``0 2 bytes``  an update                           somebody has typed
``1 bytes``    awareness: entries                  who is here, and where his cursor is
``2 0 text``   permission denied                   only ever sent
``3``          what is the awareness of all?       answered with it
=============  ==================================  ================================================

One message a frame is sent, since y-websocket reads one; several are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

import msgspec

from openline.documents.lib0 import Malformed, read_bytes, read_number, write_bytes, write_number

__all__ = [
    "AwarenessEntry",
    "Kind",
    "Message",
    "awareness_message",
    "check_state",
    "denied_message",
    "read_awareness",
    "read_messages",
    "step1_message",
    "step2_message",
    "update_message",
]

_MOST_MESSAGES = 1024  # in one frame; each is two bytes at least


class Kind(IntEnum):
    """What a message is."""

    STEP1 = 0
    STEP2 = 1
    UPDATE = 2
    AWARENESS = 3
    QUERY_AWARENESS = 4
    IGNORED = 5


class Message(NamedTuple):
    """One message.

    Attributes:
        kind: What it is. ``IGNORED``: an auth message, which means nothing to a server.
        body: A state vector, an update, or awareness entries; empty for the others.
    """

    kind: Kind
    body: bytes


class AwarenessEntry(NamedTuple):
    """What one Yjs client says of itself.

    Attributes:
        client: Its id, a number of its own choice.
        clock: Grows with each change.
        state: JSON; ``null``: it has left.
    """

    client: int
    clock: int
    state: bytes


def read_messages(frame: bytes) -> list[Message]:
    """Take a frame apart.

    Raises:
        Malformed: it is empty, ends in the middle, or holds what is not known.
    """
    messages: list[Message] = []
    at, end = 0, len(frame)
    while at < end or not messages:
        what, at = read_number(frame, at)
        if what == 0:
            step, at = read_number(frame, at)
            if step > 2:
                raise Malformed(f"sync message {step} is not known")
            body, at = read_bytes(frame, at)
            messages.append(Message(Kind(step), body))
        elif what == 1:
            body, at = read_bytes(frame, at)
            messages.append(Message(Kind.AWARENESS, body))
        elif what == 2:
            _, at = read_number(frame, at)
            _, at = read_bytes(frame, at)
            messages.append(Message(Kind.IGNORED, b""))
        elif what == 3:
            messages.append(Message(Kind.QUERY_AWARENESS, b""))
        else:
            raise Malformed(f"message {what} is not known")
        if len(messages) > _MOST_MESSAGES:
            raise Malformed(f"more than {_MOST_MESSAGES} messages in a frame")
    return messages


def step1_message(state_vector: bytes) -> bytes:
    """Ask for what is not in this state."""
    return b"\x00\x00" + write_bytes(state_vector)


def step2_message(update: bytes) -> bytes:
    """Answer a step 1."""
    return b"\x00\x01" + write_bytes(update)


def update_message(update: bytes) -> bytes:
    """Tell of a change."""
    return b"\x00\x02" + write_bytes(update)


def denied_message(reason: str) -> bytes:
    """Say that it is not allowed; the connection is closed behind it."""
    return b"\x02\x00" + write_bytes(reason.encode())


def awareness_message(entries: Iterable[AwarenessEntry]) -> bytes:
    """Tell who is here."""
    parts = [
        write_number(entry.client) + write_number(entry.clock) + write_bytes(entry.state) for entry in entries
    ]
    return b"\x01" + write_bytes(write_number(len(parts)) + b"".join(parts))


def check_state(state: bytes) -> None:
    """Refuse an awareness state that the providers of others would stumble over.

    Raises:
        Malformed: it is not JSON.
    """
    try:
        msgspec.json.decode(state)
        state.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("an awareness state is not JSON") from None


def read_awareness(body: bytes, most: int) -> list[AwarenessEntry]:
    """Take awareness apart.

    Args:
        body: The body of the message.
        most: Entries that there may be.

    Raises:
        Malformed: it is not well formed, or there are more entries. The states are not looked at; see `check_state`.
    """
    count, at = read_number(body, 0)
    if count > most:
        raise Malformed(f"awareness of {count} clients; {most} are the most")
    entries: list[AwarenessEntry] = []
    for _ in range(count):
        client, at = read_number(body, at)
        clock, at = read_number(body, at)
        state, at = read_bytes(body, at)
        entries.append(AwarenessEntry(client, clock, state))
    if at != len(body):
        raise Malformed("there is something behind the awareness")
    return entries
