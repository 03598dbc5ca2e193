"""What an inbox may hold, and how long: one record, every bound in it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

__all__ = ["MODES", "InboxOptions", "Mode"]

Mode = Literal["push", "inbox", "off"]
"""What a user wants of a topic: inbox and Web Push; the inbox alone; nothing, not even kept."""

MODES: tuple[Mode, ...] = ("push", "inbox", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxOptions:
    """Options of an `Inbox`. All nodes must have the same.

    Attributes:
        limit: Notifications that one inbox keeps: one more, and those that have expired go, then the oldest. 1 to 1000.
            As many ids of those that went are remembered, so that none comes a second time.
        max_size: Bytes of one notification's data, as JSON. Together with ``limit`` it bounds an inbox: 800 kB with
            the defaults.
        ttl: Seconds that a notification lives for which `Inbox.send` says nothing else; None: until it is removed, or
            ``limit`` is reached.
        default: What is wanted of a topic about which a user has said nothing.
        max_topics: Topics that one user may follow, and again about which he may have preferences.
        open_topics: Topics that clients may follow by themselves; the application may have anybody follow any.
        max_devices: Devices of one user that get Web Push; one more takes the place of the oldest.
        page: Notifications in one answer to a client, at most.
        client_rate: Requests a second that one user's clients may make on one node, two seconds' worth at once; more
            are refused with 111. None: no bound.
        compact_after: Changes in a user's log until it is folded into one entry.
        cached: Users whose inboxes this node keeps in memory, at most.
        cached_size: Bytes of notifications that these may hold together; the last one used stays in any case.
        history: Events that a user's channel keeps for clients whose line was cut.
        history_ttl: Seconds that they live after the newest of them.
        at_once: Users to whom one call sends at the same time.
    """

    limit: int = 200
    max_size: int = 4096
    ttl: float | None = None
    default: Mode = "push"
    max_topics: int = 100
    open_topics: Collection[str] = ()
    max_devices: int = 10
    page: int = 100
    client_rate: float | None = 20.0
    compact_after: int = 64
    cached: int = 1000
    cached_size: int = 32 * 2**20
    history: int = 100
    history_ttl: float = 3600.0
    at_once: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 1000:
            raise ValueError(f"limit must be 1 to 1000, not {self.limit}")
        for name in (
            "max_size",
            "max_topics",
            "max_devices",
            "page",
            "compact_after",
            "cached",
            "cached_size",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")
        if self.history <= 0 or self.history_ttl <= 0 or self.at_once <= 0:
            raise ValueError("history, history_ttl and at_once must be above 0")
        for name in ("ttl", "client_rate"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be above 0, or None")
        if self.default not in MODES:
            raise ValueError(f"default must be one of {', '.join(MODES)}, not {self.default!r}")
