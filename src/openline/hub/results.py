"""What hooks may return instead of a plain value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Connect", "Publish", "Subscribe"]


@dataclass(slots=True, kw_only=True)
class Subscribe:
    """What ``on_subscribe`` returns, and what a server-side subscription is made of.

    Attributes:
        info: Of the client in this channel, shown by presence, join and leave: any JSON-able object, or bytes as
            they are.
        data: For the client, in the answer; likewise.
        expire_at: When the subscription ends, in seconds since 1970, with 2501, after which clients subscribe again by
            themselves; a subscription token moves it on. None: never.
    """

    info: Any = None
    data: Any = None
    expire_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Connect:
    """What ``on_connect`` and ``on_refresh`` return.

    Attributes:
        user: The user's id; empty: anonymous. None: what the token says.
        info: Of the connection, shown by presence, join, leave and publications: any JSON-able object, or bytes as
            they are.
        data: For the client, in the answer; likewise.
        subs: Channels that the server subscribes the client to: names, or names with what `Subscribe` says of them.
        expire_at: When the connection ends unless it is refreshed, in seconds since 1970; None: never, or what the
            token says.
    """

    user: str | None = None
    info: Any = None
    data: Any = None
    subs: Sequence[str] | Mapping[str, Subscribe] = field(default_factory=tuple[str, ...])
    expire_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Publish:
    """What ``on_publish`` returns to change more than the data.

    Attributes:
        data: What is published: any JSON-able object, or bytes as they are.
        tags: Strings shown to clients; None: none.
        key: What it is the newest state of, for ``slow_consumer="conflate"``.
        idempotency_key: The channel publishes only the first of equal keys within five minutes. Empty: each.
        skip_history: It is not kept, and has no offset.
    """

    data: Any
    tags: dict[str, str] | None = None
    key: str = ""
    idempotency_key: str = ""
    skip_history: bool = False
