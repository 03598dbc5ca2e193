"""What is published, where it stands in its channel, and who did it.

`Publication` and `ClientInfo` are what brokers store, hooks see and subprotocols encode. They are records of the client
protocol at once (field names are the wire's), so that nothing is copied between storage and wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

__all__ = [
    "ClientInfo",
    "HistoryOptions",
    "MaybePayload",
    "Payload",
    "Publication",
    "PublishResult",
    "StreamPosition",
]

Payload: TypeAlias = msgspec.Raw
"""Opaque data of the application: JSON text, or any bytes. ``bytes(payload)`` gives them. Where it is JSON it was
checked to be one value, and holds no newline."""

if TYPE_CHECKING:
    MaybePayload: TypeAlias = Payload | None
else:
    MaybePayload = Payload  # msgspec takes no union with Raw when it decodes; a default of None it lets pass
"""What a record may lack: None where it was absent. (JSON's ``null`` is a payload.)"""


class ClientInfo(msgspec.Struct, omit_defaults=True, gc=False):
    """Who a client is; what presence, join, leave and publications show of it.

    Attributes:
        user: The user's id; empty: anonymous.
        client: The session's id, unique over all nodes.
        conn_info: What the application says of the connection (JSON, or bytes).
        chan_info: What it says of the client in this channel.
    """

    user: str = ""
    client: str = ""
    conn_info: MaybePayload = None
    chan_info: MaybePayload = None


class Publication(msgspec.Struct, omit_defaults=True, gc=False):
    """One message in a channel.

    Attributes:
        data: The payload.
        info: The client that published it; None: the server did.
        offset: Its place in the channel's stream, from 1 on; 0: the channel keeps no history.
        tags: Strings of the application, shown to clients.
        delta: ``data`` is a patch against the publication before; only ever set on the way to one class of subscribers.
        time: When it was published, in milliseconds since 1970.
        channel: Used where the push does not say it.
        key: What it is the newest state of, for ``slow_consumer="conflate"``; empty: the channel as a whole.
    """

    data: Payload = Payload()
    info: ClientInfo | None = None
    offset: int = 0
    tags: dict[str, str] | None = None
    delta: bool = False
    time: int = 0
    channel: str = ""
    key: str = ""


class StreamPosition(NamedTuple):
    """A place in a channel's stream.

    Attributes:
        offset: Of the last publication that was seen; 0: none.
        epoch: Names the stream. Offsets of different epochs cannot be compared: the stream was lost in between.
    """

    offset: int
    epoch: str


class HistoryOptions(NamedTuple):
    """How much of a channel's stream is kept.

    Attributes:
        size: Publications.
        ttl: Seconds that the publications live after the newest of them.
        meta_ttl: Seconds that offset and epoch live after the newest publication; longer than any client stays away.
    """

    size: int
    ttl: float
    meta_ttl: float = 30 * 86400.0


class PublishResult(NamedTuple):
    """What became of a publication.

    Attributes:
        position: Where it stands. ``(0, "")`` where the channel keeps no history.
        duplicate: It was published before under the same idempotency key, and was not published again.
    """

    position: StreamPosition
    duplicate: bool = False
