"""What `openline.protocol.connection.Protocol` reports of what it received."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from openline.protocol.close_codes import Close

__all__ = ["Closed", "Event", "Failed", "Fragment", "Message", "Ping", "Pong"]


@dataclass(slots=True)
class Message:
    """A whole message that came in one frame: `str` if it is text, `bytes` if it is binary."""

    data: str | bytes


@dataclass(slots=True)
class Fragment:
    """One frame of a message that comes in several (RFC 6455 section 5.4).

    Attributes:
        data: What it holds; may be empty. A character that is split between two fragments comes with the
            later one.
        first: Whether a message starts here.
        fin: Whether the message ends here.
    """

    data: str | bytes
    first: bool
    fin: bool


@dataclass(slots=True)
class Ping:
    """A ping (RFC 6455 section 5.5.2). It is not answered yet: of several, only the newest needs to be."""

    payload: bytes


@dataclass(slots=True)
class Pong:
    """A pong (RFC 6455 section 5.5.3)."""

    payload: bytes


@dataclass(slots=True)
class Closed:
    """The peer's Close frame (RFC 6455 section 5.5.1). It is answered already; what follows it is thrown away."""

    close: Close


@dataclass(slots=True)
class Failed:
    """The connection has failed (RFC 6455 section 7.1.7); what follows is thrown away.

    Attributes:
        close: What this end said of it in its Close frame; code 1006 if the stream ended without the peer's.
        error: Why.
    """

    close: Close
    error: Exception


Event: TypeAlias = Message | Fragment | Ping | Pong | Closed | Failed
