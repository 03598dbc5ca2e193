"""What the calls of an `Inbox` come to, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from openline.notifications.mailbox import Verdict

__all__ = ["MAX_FAILED", "InboxCounters", "Page", "Receipt", "Tally"]

MAX_FAILED: Final = 1000
"""Users that a `Tally` names."""


class Receipt(NamedTuple):
    """What became of a notification.

    Attributes:
        id: Its id.
        verdict: ``done``: it is in the inbox. ``duplicate``: one of this id was there before, and nothing happened.
            ``unwanted``: the user does not want the topic, or does not follow it.
        number: Its number in the inbox; 0: it is not there.
    """

    id: str
    verdict: Verdict
    number: int = 0


@dataclass(slots=True)
class Tally:
    """What became of a notification to many.

    Attributes:
        done: Inboxes that it is in.
        duplicate: Those in which it was before.
        unwanted: Those whose users do not want it.
        failed: Users whose inbox could not be written, with the reason; at most 1000, of ``failures``.
        failures: How many there were.
    """

    done: int = 0
    duplicate: int = 0
    unwanted: int = 0
    failures: int = 0
    failed: list[tuple[str, Exception]] = field(default_factory=list[tuple[str, Exception]])


class Page(NamedTuple):
    """Notifications, newest first.

    Attributes:
        items: As clients see them: ``id``, ``number``, ``time`` and ``expires`` in milliseconds since 1970, ``topic``,
            ``read``, ``data`` (JSON text in `msgspec.Raw`).
        more: Give this as ``before`` to get what comes next; None: that was all.
        unread: How many of the whole inbox are unread.
        revision: Changes of the inbox so far: events with this number or a smaller one are in it already.
        acknowledged: Up to which number a device has all.
    """

    items: list[dict[str, Any]]
    more: int | None
    unread: int
    revision: int
    acknowledged: int


class InboxCounters:
    """What happened on this node since the inbox was made; numbers that only grow.

    Attributes:
        sent: Notifications that were stored.
        duplicates: Those whose id was there before.
        unwanted: Those that their user did not want.
        unannounced: Changes that are stored, but that the broker did not take to tell.
        malformed: Requests of clients that made no sense.
        refused: Requests of clients that came too fast, or that nobody may make.
    """

    __slots__ = ("duplicates", "malformed", "refused", "sent", "unannounced", "unwanted")

    def __init__(self) -> None:
        self.sent = 0
        self.duplicates = 0
        self.unwanted = 0
        self.unannounced = 0
        self.malformed = 0
        self.refused = 0
