"""One user's inbox: what the entries of his log come to. No I/O and no clock.

All nodes fold the same entries in the same order, so all of them see the same: which of two notifications with one id
came first, which one had to go when the inbox was full, how many changes there were. Nothing here may depend on
anything but entries and options; that a notification has expired is seen by who looks, and counts as a change only
where an entry says what time it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from openline.notifications.options import InboxOptions
from openline.notifications.records import (
    Acknowledged,
    Cleared,
    Entry,
    Followed,
    Marked,
    MarkedAll,
    Preferred,
    Record,
    Removed,
    Sent,
    Snapshot,
)

__all__ = ["Change", "Mailbox", "Verdict"]

Verdict = Literal["done", "unchanged", "duplicate", "unwanted", "full"]
"""What an entry came to: it changed the inbox; it said what was so already; its id was there before; the user does
not want the topic; the user has as many topics as he may."""

_OVERHEAD = 300
"""Bytes that a notification takes besides its data and names, about."""


class Change(NamedTuple):
    """What came of one entry.

    Attributes:
        verdict: See `Verdict`.
        entries: The notifications it is about: new, marked or removed.
    """

    verdict: Verdict
    entries: tuple[Entry, ...] = ()


_UNCHANGED: Final = Change("unchanged")


class Mailbox:
    """An inbox as its log says.

    Args:
        options: Its bounds.

    Attributes:
        number: The last entry of the log that was folded in; 0: none.
        revision: Changes that clients are told of, counted without a gap.
        acknowledged: Up to which number a device of the user has all.
        tail: Entries since the last snapshot.
        size: Bytes that the notifications take, about.
        preferences: What is wanted, by topic.
        topics: Those that are followed; in the order in which that began.
    """

    __slots__ = (
        "_entries",
        "_gone",
        "_ids",
        "_options",
        "acknowledged",
        "number",
        "preferences",
        "revision",
        "size",
        "tail",
        "topics",
    )

    def __init__(self, options: InboxOptions) -> None:
        self._options = options
        self._entries: dict[int, Entry] = {}
        self._ids: dict[str, int] = {}
        self._gone: dict[str, None] = {}
        self.number = 0
        self.revision = 0
        self.acknowledged = 0
        self.tail = 0
        self.size = 0
        self.preferences: dict[str, str] = {}
        self.topics: dict[str, None] = {}

    # What is in it.

    def find(self, id_: str) -> Entry | None:
        """Return the notification of an id; None: there is none."""
        number = self._ids.get(id_)
        return None if number is None else self._entries[number]

    def knows(self, id_: str) -> bool:
        """Tell whether a notification of this id was here, even if it has gone since."""
        return id_ in self._ids or id_ in self._gone

    def unread(self, now: int) -> int:
        """Return how many are unread and have not expired."""
        return sum(not entry.read and not 0 < entry.expires <= now for entry in self._entries.values())

    def page(
        self, now: int, *, before: int | None, limit: int, topic: str | None, unread: bool
    ) -> tuple[list[Entry], bool]:
        """Return notifications, newest first, and whether there are more behind them.

        Args:
            now: Milliseconds since 1970: what has expired by then is left out.
            before: Only those with smaller numbers; None: from the newest on.
            limit: How many at most.
            topic: Only of this topic; None: of all.
            unread: Only those that are unread.
        """
        found: list[Entry] = []
        for entry in reversed(self._entries.values()):
            if (
                (before is not None and entry.number >= before)
                or (topic is not None and entry.topic != topic)
                or (unread and entry.read)
                or entry.is_over(now)
            ):
                continue
            if len(found) == limit:
                return found, True
            found.append(entry)
        return found, False

    def mode(self, topic: str) -> str:
        """Return what the user wants of a topic."""
        return self.preferences.get(topic, self._options.default)

    # What happens to it.

    def fold(self, number: int, record: Record) -> Change:
        """Take the next entry of the log; one that was taken already changes nothing."""
        if number <= self.number:
            return _UNCHANGED
        self.number = number
        self.tail += 1
        change = self._fold(number, record)
        if change.verdict == "done" and not isinstance(record, Acknowledged):
            self.revision += 1
        return change

    def _fold(self, number: int, record: Record) -> Change:
        match record:
            case Sent():
                return self._add(number, record)
            case Marked():
                return self._mark(record.numbers, record.read)
            case MarkedAll():
                return self._mark([one for one in self._entries if one <= record.through], True)
            case Removed():
                removed = [self._entries[one] for one in record.numbers if one in self._entries]
                for entry in removed:
                    self._drop(entry)
                return Change("done", tuple(removed)) if removed else _UNCHANGED
            case Acknowledged():
                # A number that was never given acknowledges nothing: it would silence what is to come.
                if not self.acknowledged < record.through <= number:
                    return _UNCHANGED
                self.acknowledged = record.through
                return Change("done")
            case Preferred():
                return self._prefer(record.topic, record.mode)
            case Followed():
                return self._follow(record.topic, record.on)
            case Cleared():
                self._restore(Snapshot(self.revision, self.acknowledged, [], [], {}, []))
                return Change("done")
            case Snapshot():
                self._restore(record)
                return _UNCHANGED

    def _add(self, number: int, sent: Sent) -> Change:
        if self.knows(sent.id):
            return Change("duplicate")
        if self.mode(sent.topic) == "off" or (sent.following and sent.topic not in self.topics):
            return Change("unwanted")
        self._keep(Entry(number, sent.id, sent.time, sent.expires, sent.topic, sent.data))
        if len(self._entries) > self._options.limit:
            for entry in [entry for entry in self._entries.values() if entry.is_over(sent.time)]:
                self._drop(entry)
            while len(self._entries) > self._options.limit:
                self._drop(
                    next(iter(self._entries.values()))
                )  # never this one, which comes last and has not expired
        return Change("done", (self._entries[number],))

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.number] = entry
        self._ids[entry.id] = entry.number
        self.size += _OVERHEAD + len(entry.data) + len(entry.id) + len(entry.topic)

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.number]
        del self._ids[entry.id]
        self.size -= _OVERHEAD + len(entry.data) + len(entry.id) + len(entry.topic)
        self._gone[entry.id] = None
        if len(self._gone) > self._options.limit:
            del self._gone[next(iter(self._gone))]

    def _mark(self, numbers: Iterable[int], read: bool) -> Change:
        marked: list[Entry] = []
        for number in numbers:
            entry = self._entries.get(number)
            if entry is not None and entry.read is not read:
                entry.read = read
                marked.append(entry)
        return Change("done", tuple(marked)) if marked else _UNCHANGED

    def _prefer(self, topic: str, mode: str) -> Change:
        if self.preferences.get(topic, "") == mode:
            return _UNCHANGED
        if not mode:
            del self.preferences[topic]
        elif topic not in self.preferences and len(self.preferences) >= self._options.max_topics:
            return Change("full")
        else:
            self.preferences[topic] = mode
        return Change("done")

    def _follow(self, topic: str, on: bool) -> Change:
        if on is (topic in self.topics):
            return _UNCHANGED
        if not on:
            del self.topics[topic]
        elif len(self.topics) >= self._options.max_topics:
            return Change("full")
        else:
            self.topics[topic] = None
        return Change("done")

    # All of it at once.

    def snapshot(self, now: int) -> Snapshot:
        """Return all of it, without what has expired by now, in milliseconds since 1970."""
        over = [entry for entry in self._entries.values() if entry.is_over(now)]
        gone = [*self._gone, *(entry.id for entry in over)][-self._options.limit :]
        return Snapshot(
            self.revision,
            self.acknowledged,
            [entry for entry in self._entries.values() if not entry.is_over(now)],
            gone,
            dict(self.preferences),
            list(self.topics),
        )

    def _restore(self, snapshot: Snapshot) -> None:
        self._entries.clear()
        self._ids.clear()
        self.size = 0
        for entry in snapshot.entries:
            self._keep(entry)
        self._gone = dict.fromkeys(snapshot.gone)
        self.revision = snapshot.revision
        self.acknowledged = snapshot.acknowledged
        self.preferences = snapshot.preferences
        self.topics = dict.fromkeys(snapshot.topics)
        self.tail = 0
