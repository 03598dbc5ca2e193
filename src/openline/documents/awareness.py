"""Who is in a document, and where: the awareness of Yjs, held for those who come later.

Each entry belongs to somebody: the connection, or the other node, that said it first. Nobody else can change it or
remove it, so that nobody moves another's cursor. The entries of a connection go with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple

from openline.documents.messages import AwarenessEntry

__all__ = ["Awareness", "Heard"]

_NULL = b"null"
_MOST_GONE = 1000
"""Of those who left, how many clocks are remembered."""


class _Known(NamedTuple):
    entry: AwarenessEntry
    owner: Hashable
    heard: float


class Heard(NamedTuple):
    """What became of entries that somebody sent.

    Attributes:
        news: Those that are new, for everybody.
        stale: What to tell the sender, so that he says his own again: his clock stands where it stood when he left, and
            the others would not believe him.
        refused: How many were dropped: they are somebody else's, or more than one may have.
    """

    news: list[AwarenessEntry]
    stale: list[AwarenessEntry]
    refused: int


class Awareness:
    """The entries of one document.

    Args:
        most: Entries that one owner may have.
        may_inherit: Called with the owner of an entry and who claims it: whether it may have it, since both are the
            same person, who came back before the loss of his old connection was noticed.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        most: int,
        may_inherit: Callable[[Hashable, Hashable], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._may_inherit = may_inherit
        self._clock = clock
        self._known: dict[int, _Known] = {}
        self._gone: dict[int, int] = {}
        self._counts: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def entries(self, owners: Callable[[Hashable], bool] | None = None) -> list[AwarenessEntry]:
        """Return what is known; with ``owners`` only what those have said of whom it is true."""
        return [one.entry for one in self._known.values() if owners is None or owners(one.owner)]

    def is_known(self, entry: AwarenessEntry) -> bool:
        """Tell whether an entry says nothing new: providers repeat all that they hear of others."""
        known = self._known.get(entry.client)
        if known is None:
            return entry.state == _NULL
        clock = known.entry.clock
        return entry.clock < clock or (entry.clock == clock and entry.state != _NULL)

    def hear(self, owner: Hashable, entries: Iterable[AwarenessEntry]) -> Heard:
        """Take what somebody says.

        Entries whose clock is known already are passed over: providers repeat what they hear of others.
        """
        heard = Heard([], [], 0)
        refused = 0
        for entry in entries:
            known = self._known.get(entry.client)
            if known is not None and known.owner != owner:
                if entry.clock <= known.entry.clock:
                    continue
                if not self._may_inherit(known.owner, owner) or entry.state == _NULL:
                    refused += 1
                    continue
            if known is None:
                refused += self._hear_new(owner, entry, heard)
            elif entry.state == _NULL and entry.clock >= known.entry.clock:
                self._forget(entry.client, entry.clock)
                heard.news.append(entry)
            elif entry.clock > known.entry.clock:
                if known.owner != owner:
                    self._count(known.owner, -1)
                    self._count(owner, 1)
                self._known[entry.client] = _Known(entry, owner, self._clock())
                heard.news.append(entry)
        return heard._replace(refused=refused)

    def _hear_new(self, owner: Hashable, entry: AwarenessEntry, heard: Heard) -> int:
        if entry.state == _NULL:
            return 0
        gone = self._gone.get(entry.client)
        if gone is not None and entry.clock <= gone:
            heard.stale.append(AwarenessEntry(entry.client, gone, _NULL))
            return 0
        if self._counts.get(owner, 0) >= self._most:
            return 1
        self._gone.pop(entry.client, None)
        self._count(owner, 1)
        self._known[entry.client] = _Known(entry, owner, self._clock())
        heard.news.append(entry)
        return 0

    def remove(self, owner: Hashable) -> list[AwarenessEntry]:
        """Somebody is gone; return what to tell the others."""
        if owner not in self._counts:
            return []
        clients = [client for client, known in self._known.items() if known.owner == owner]
        return [self._drop(client) for client in clients]

    def remove_old(self, owners: Callable[[Hashable], bool], age: float) -> list[AwarenessEntry]:
        """Remove what has not been renewed for ``age`` seconds, of those owners; return what to tell the others."""
        before = self._clock() - age
        old = [
            client for client, known in self._known.items() if known.heard < before and owners(known.owner)
        ]
        return [self._drop(client) for client in old]

    def _drop(self, client: int) -> AwarenessEntry:
        clock = self._known[client].entry.clock
        self._forget(client, clock)
        return AwarenessEntry(client, clock, _NULL)

    def _forget(self, client: int, clock: int) -> None:
        self._count(self._known.pop(client).owner, -1)
        self._gone.pop(client, None)
        self._gone[client] = clock
        if len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]

    def _count(self, owner: Hashable, change: int) -> None:
        count = self._counts.get(owner, 0) + change
        if count:
            self._counts[owner] = count
        else:
            self._counts.pop(owner, None)
