"""The inboxes that this node has in memory, kept up with their logs in the store."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from openline.hub.rate import Allowance
from openline.hub.stores.base import Store
from openline.notifications.mailbox import Change, Mailbox
from openline.notifications.options import InboxOptions
from openline.notifications.records import Record, Unreadable, decode, encode

__all__ = ["Shelf", "Slot"]

logger = logging.getLogger("openline.notifications")

_AT_ONCE = 1000
"""Entries of a log that are read at a time. A log is folded long before it has so many."""


class Slot:
    """One user's place.

    Attributes:
        lock: Held while the inbox is brought up to its log or changed: what this node announces is in order.
        mailbox: The inbox, as it was when last looked at.
        requests: What the user's clients may still ask for; None: they have not asked.
        users: Who holds or waits for the lock.
    """

    __slots__ = ("lock", "mailbox", "requests", "users")

    def __init__(self, mailbox: Mailbox) -> None:
        self.lock = asyncio.Lock()
        self.mailbox = mailbox
        self.requests: Allowance | None = None
        self.users = 0


class Shelf:
    """Inboxes by user. The store is what holds; this only spares reading the same twice.

    Args:
        store: Where the logs are.
        prefix: What stands before the user in their names.
        options: The bounds.
        clock: Seconds since 1970.

    Attributes:
        size: Bytes of notifications in memory, about.
    """

    def __init__(self, store: Store, prefix: str, options: InboxOptions, clock: Callable[[], float]) -> None:
        self._store = store
        self._prefix = prefix
        self._options = options
        self._clock = clock
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._slots)

    def log(self, user: str) -> str:
        """Return the name of a user's log."""
        return f"{self._prefix}:{user}"

    def now(self) -> int:
        """Return the time, in milliseconds since 1970."""
        return int(self._clock() * 1000)

    def may_ask(self, user: str) -> bool:
        """Tell whether a client of this user may ask for one thing more now, and count it."""
        rate = self._options.client_rate
        if rate is None:
            return True
        slot = self._slot(user)
        now = time.monotonic()
        if slot.requests is None:
            slot.requests = Allowance(rate, now)
        return slot.requests.take(now)

    def _slot(self, user: str) -> Slot:
        slot = self._slots.get(user)
        if slot is None:
            slot = self._slots[user] = Slot(Mailbox(self._options))
            self._make_room()
        else:
            self._slots.move_to_end(user)
        return slot

    def _make_room(self) -> None:
        """Forget who was not used for longest, as long as there are too many; who is in use stays."""
        newest = next(reversed(self._slots), None)
        for _ in range(len(self._slots)):
            if len(self._slots) <= self._options.cached and self.size <= self._options.cached_size:
                return
            user, slot = next(iter(self._slots.items()))
            if slot.users or user == newest:
                self._slots.move_to_end(user)
            else:
                self.size -= slot.mailbox.size
                del self._slots[user]

    @asynccontextmanager
    async def current(self, user: str, *, fresh: bool = True) -> AsyncGenerator[Mailbox]:
        """Give a user's inbox as it is now, and keep it from being changed by this node meanwhile.

        Args:
            user: Whose.
            fresh: False: as this node saw it last, maybe empty; enough for who only appends.

        Raises:
            StoreDown: the store cannot be reached.
            Unreadable: the log holds something that is not ours.

        Cancel: safe.
        """
        slot = self._slot(user)
        slot.users += 1
        try:
            async with slot.lock:
                if fresh:
                    await self._catch_up(user, slot)
                yield slot.mailbox
        finally:
            slot.users -= 1
            self._make_room()

    async def write(self, user: str, mailbox: Mailbox, record: Record) -> tuple[int, Change]:
        """Append an entry to a user's log; return its number and what came of it. Only inside `current`.

        Raises:
            StoreDown: the store cannot be reached; whether it was written is not known.

        Cancel: it may have been written.
        """
        number = await self._store.append(self.log(user), encode(record))
        # Entries of other nodes may stand between what was seen and this one: they come first.
        change = await self._catch_up(user, self._slots[user], number)
        return number, change

    async def catch_up(self, user: str) -> None:
        """Look into the log once more. Only inside `current`; raises as that."""
        await self._catch_up(user, self._slots[user])

    async def _catch_up(self, user: str, slot: Slot, number: int = 0) -> Change:
        """Fold in what is new in the log; return what came of the entry with this number."""
        mailbox = slot.mailbox
        before = mailbox.size
        change = Change("unchanged")
        try:
            while True:
                entries = await self._store.read(self.log(user), after=mailbox.number, limit=_AT_ONCE)
                for entry in entries:
                    outcome = mailbox.fold(entry.number, decode(entry.data))
                    if entry.number == number:
                        change = outcome
                if len(entries) < _AT_ONCE:
                    break
        except Unreadable as error:
            raise Unreadable(f"{self.log(user)}: {error}") from None
        finally:
            self.size += mailbox.size - before
        return change

    async def compact(self, user: str, mailbox: Mailbox, *, now: bool = False) -> None:
        """Fold a user's log into one entry, if it has grown long, or ``now``. Only inside `current`.

        Raises:
            StoreDown: the store cannot be reached; the log is as it was, or folded.

        Cancel: safe.
        """
        if now or mailbox.tail >= self._options.compact_after:
            await self._store.replace(self.log(user), mailbox.number, encode(mailbox.snapshot(self.now())))
            # What other nodes append meanwhile stands behind it, whatever its number.
            mailbox.tail = 0
