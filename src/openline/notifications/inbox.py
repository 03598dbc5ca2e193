"""`Inbox`: notifications that outlive the connection."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from openline.hub import BrokerDown, Hub
from openline.hub.namespace import is_plain
from openline.hub.stores.base import Store, StoreDown
from openline.hub.subprotocols.base import NotJSON
from openline.hub.subprotocols.payload import check_json
from openline.notifications.followers import Followers
from openline.notifications.mailbox import Change, Mailbox
from openline.notifications.options import MODES, InboxOptions, Mode
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
    Unreadable,
)
from openline.notifications.requests import register
from openline.notifications.results import MAX_FAILED, InboxCounters, Page, Receipt, Tally
from openline.notifications.shelf import Shelf
from openline.notifications.views import event_of, item_of

if TYPE_CHECKING:
    from openline.notifications.push import WebPush
    from openline.notifications.push.devices import Devices
    from openline.notifications.push.message import Urgency

__all__ = ["Inbox"]

logger = logging.getLogger("openline.notifications")

MAX_NAME: Final = 128
"""Characters of a user's id, of a notification's, and of a topic."""

MAX_IDS: Final = 1000
"""Notifications that one call may name."""


class Inbox:
    """An inbox for each user of a hub.

    ::

        inbox = Inbox(hub, open_store("sqlite:///inbox.db"))

        await inbox.send("ada", {"title": "Your build is green"}, topic="builds", id="build-17")

    It declares the namespace ``inbox`` on the hub, whose channel ``inbox:#ada`` tells Ada's devices what changes and
    nobody else, and the remote calls ``inbox.list``, ``inbox.read`` and so on, by which they ask. A notification is
    stored before it is told; several nodes may have the same store, and all of them come to the same count.

    Args:
        hub: The hub. It must not have been started.
        store: Where inboxes are; it is started with the first use, and is closed by whoever made it.
        name: The namespace, and what stands before the names of remote calls, logs and tables: letters, digits, ``-``,
            ``_`` and ``.``.
        push: Sends Web Push; None: there is none.
        clock: Seconds since 1970.
        options: Fields of `InboxOptions`.

    Raises:
        ValueError: an option makes no sense, or the hub has such a namespace.
        TypeError: an option is unknown.

    Attributes:
        hub: The hub.
        store: The store.
        name: As it was given.
        options: The options.
        counters: What was counted.
        push: As it was given.
        devices: Who gets Web Push; None: nobody.
    """

    def __init__(
        self,
        hub: Hub,
        store: Store,
        *,
        name: str = "inbox",
        push: WebPush | None = None,
        clock: Callable[[], float] = time.time,
        **options: Any,
    ) -> None:
        self.hub = hub
        self.store = store
        self.name = name
        self.options = InboxOptions(**options)
        self.counters = InboxCounters()
        self.push = push
        self.devices: Devices | None = None
        if push is not None:
            from openline.notifications.push.devices import Devices

            self.devices = Devices(store, name, self.options.max_devices)
        self._shelf = Shelf(store, name, self.options, clock)
        self._followers = Followers(store, name)
        self._starting = asyncio.Lock()
        self._started = False
        hub.namespace(
            name,
            history=self.options.history,
            ttl=self.options.history_ttl,
            recovery=True,
            presence=True,
            subscribe="users",
            publish="nobody",
            read_history="nobody",
            read_presence="nobody",
        )
        register(self)

    def __repr__(self) -> str:
        return f"<Inbox {self.name!r}>"

    async def start(self) -> None:
        """Start the store, and have keys for Web Push. Idempotent; what needs it does it.

        Raises:
            StoreDown: it cannot be reached.
        """
        async with self._starting:
            if not self._started:
                await self.store.start()
                if self.push is not None and self.push.keys is None:
                    from openline.notifications.push import VapidKeys

                    self.push.keys = await VapidKeys.from_store(self.store)
                self._started = True

    def channel(self, user: str) -> str:
        """Return the channel that tells this user's devices what changes."""
        return f"{self.name}:#{user}"

    # To users.

    async def send(
        self,
        user: str,
        data: Any,
        *,
        topic: str = "",
        ttl: float | None = None,
        id: str | None = None,  # noqa: A002
        urgency: Urgency = "normal",
        collapse: str = "",
    ) -> Receipt:
        """Put a notification into a user's inbox, and tell his devices.

        Args:
            user: The user's id; neither empty nor with ``#`` or ``,``.
            data: Any JSON-able object, at most ``max_size`` bytes as JSON.
            topic: What it is about, as preferences have it. Empty: nothing in particular.
            ttl: Seconds until it goes by itself. None: the option ``ttl``.
            id: The inbox takes each id once: to send again after a failure, use the same. None: a new one, at random.
            urgency: For Web Push: what it is worth to the battery.
            collapse: For Web Push: a message that waits at the push service is replaced by the next with the same
                text. Empty: none is.

        Returns:
            What became of it, once that is stored.

        Raises:
            ValueError, TypeError: something cannot be sent so.
            StoreDown: the store cannot be reached. Whether it was stored is not known; with an ``id`` it may be sent
                again.

        Cancel: it may have been stored; then it is told with the next change.
        """
        sent = self._sent(data, topic, ttl, id, urgency)
        return await self._deliver(user, sent, urgency, collapse)

    async def send_many(
        self,
        users: Iterable[str],
        data: Any,
        *,
        id: str | None = None,  # noqa: A002
        **options: Any,
    ) -> Tally:
        """Put the same notification into the inboxes of several users, some at a time.

        Args:
            users: Their ids.
            data: As of `send`.
            id: As of `send`. When this call did not come to its end, call it again with the same id: nobody gets it
                twice.
            options: The other keywords of `send`.

        Returns:
            What became of it. Users whose inbox could not be written stand in ``failed``.

        Raises:
            ValueError, TypeError: something cannot be sent so.

        Cancel: some have it.
        """
        return await self._to_many(_in_parts(users), self._sent_to_many(data, id, options), options)

    async def publish(
        self,
        topic: str,
        data: Any,
        *,
        id: str | None = None,  # noqa: A002
        **options: Any,
    ) -> Tally:
        """Send to everybody who follows a topic; see `send_many`.

        Raises:
            ValueError, TypeError: something cannot be sent so.
            StoreDown: the store cannot be reached; some may have it.
        """
        self._check_topic(topic)
        await self.start()
        sent = self._sent_to_many(data, id, {**options, "topic": topic})
        sent.following = True
        return await self._to_many(self._followers.of(topic), sent, options)

    def _sent_to_many(self, data: Any, id_: str | None, options: dict[str, Any]) -> Sent:
        unknown = options.keys() - {"topic", "ttl", "urgency", "collapse"}
        if unknown:
            raise TypeError(f"there is no option {', '.join(sorted(unknown))}")
        return self._sent(
            data, options.get("topic", ""), options.get("ttl"), id_, options.get("urgency", "normal")
        )

    async def _to_many(
        self, users: AsyncIterable[Iterable[str]], sent: Sent, options: dict[str, Any]
    ) -> Tally:
        tally = Tally()
        urgency, collapse = options.get("urgency", "normal"), options.get("collapse", "")

        async def work(names: Iterable[str]) -> None:
            # All workers take from the same iterator.
            for user in names:
                try:
                    receipt = await self._deliver(user, sent, urgency, collapse)
                except (ValueError, StoreDown, Unreadable) as error:
                    tally.failures += 1
                    if len(tally.failed) < MAX_FAILED:
                        tally.failed.append((user, error))
                    continue
                tally.done += receipt.verdict == "done"
                tally.duplicate += receipt.verdict == "duplicate"
                tally.unwanted += receipt.verdict == "unwanted"

        async for some in users:
            names = iter(some)
            async with asyncio.TaskGroup() as group:
                for _ in range(self.options.at_once):
                    group.create_task(work(names))
        return tally

    def _sent(self, data: Any, topic: str, ttl: float | None, id_: str | None, urgency: str) -> Sent:
        if topic:
            self._check_topic(topic)
        if id_ is None:
            id_ = secrets.token_urlsafe(12)
        else:
            _check_name(id_, "an id")
        if urgency not in ("very-low", "low", "normal", "high"):
            raise ValueError(f"urgency must be very-low, low, normal or high, not {urgency!r}")
        ttl = self.options.ttl if ttl is None else ttl
        if ttl is not None and not 0 < ttl <= MAX_TTL:
            raise ValueError(f"ttl must be above 0, and at most {MAX_TTL} s, not {ttl}")
        try:
            encoded = bytes(check_json(msgspec.json.encode(data)))
        except NotJSON as error:
            raise ValueError(f"this cannot be sent: {error}") from None
        if len(encoded) > self.options.max_size:
            raise ValueError(f"a notification has at most {self.options.max_size} bytes, not {len(encoded)}")
        now = self._shelf.now()
        return Sent(id_, now, 0 if ttl is None else now + max(int(ttl * 1000), 1), topic, encoded)

    async def _deliver(self, user: str, sent: Sent, urgency: Urgency, collapse: str) -> Receipt:
        self._check_user(user)
        if not self._started:
            await self.start()
        async with self._shelf.current(user, fresh=False) as mailbox:
            if mailbox.knows(sent.id):  # it will not be forgotten again by an older entry
                change, number = Change("duplicate"), 0
            else:
                number, change = await self._write(user, mailbox, sent)
            wants_push = mailbox.mode(sent.topic) == "push"
            if change.verdict == "duplicate":
                known = mailbox.find(sent.id)
                number = 0 if known is None else known.number
        if change.verdict == "duplicate":
            self.counters.duplicates += 1
            return Receipt(sent.id, "duplicate", number)
        if change.verdict != "done":
            self.counters.unwanted += 1
            return Receipt(sent.id, change.verdict)
        self.counters.sent += 1
        if self.push is not None and wants_push:
            await self._wake(user, change.entries[0], urgency, collapse)
        return Receipt(sent.id, "done", number)

    async def _write(self, user: str, mailbox: Mailbox, record: Record) -> tuple[int, Change]:
        """Store a change, then tell it."""
        number, change = await self._shelf.write(user, mailbox, record)
        event = event_of(record, change)
        if event is not None:
            event["revision"] = mailbox.revision
            event["unread"] = mailbox.unread(self._shelf.now())
            try:
                await self.hub.publish(self.channel(user), event)
            except BrokerDown as error:
                # It is stored, and devices see by the next event's revision that they miss one.
                self.counters.unannounced += 1
                logger.warning("a change of %s is not told: %s", self._shelf.log(user), error)
        await self._shelf.compact(user, mailbox)
        return number, change

    # What stands in it.

    async def list(
        self,
        user: str,
        *,
        limit: int = 50,
        before: int | None = None,
        topic: str | None = None,
        unread: bool = False,
    ) -> Page:
        """Read a user's inbox, newest first.

        Args:
            user: The user's id.
            limit: How many notifications at most; 0: none, only the counts.
            before: Only what is older than the notification with this number; None: from the newest on.
            topic: Only this topic. None: all.
            unread: Only what is unread.

        Raises:
            ValueError: this cannot be a user's id.
            StoreDown: the store cannot be reached.

        Cancel: safe.
        """
        async with self._opened(user) as mailbox:
            now = self._shelf.now()
            entries, more = mailbox.page(now, before=before, limit=max(limit, 0), topic=topic, unread=unread)
            return Page(
                [item_of(entry) for entry in entries],
                entries[-1].number if more and entries else None,
                mailbox.unread(now),
                mailbox.revision,
                mailbox.acknowledged,
            )

    async def unread(self, user: str) -> int:
        """Return how many of a user's notifications are unread. Raises as `list`."""
        async with self._opened(user) as mailbox:
            return mailbox.unread(self._shelf.now())

    async def mark(self, user: str, ids: Sequence[str], *, read: bool = True) -> int:
        """Mark notifications as read, or as unread again, on all devices; return how many that changed.

        Args:
            user: The user's id.
            ids: Theirs; those that are not there, or are marked so already, do not matter.
            read: False: unread.

        Raises:
            ValueError: this cannot be a user's id, or there are more than 1000.
            StoreDown: the store cannot be reached; it may be done.

        Cancel: it may be done.
        """
        async with self._opened(user) as mailbox:
            numbers = [entry.number for entry in _found(mailbox, ids) if entry.read is not read]
            return await self._change(user, mailbox, Marked(numbers, read)) if numbers else 0

    async def mark_all(self, user: str, *, through: int | None = None) -> int:
        """Mark all notifications as read; return how many that changed. Raises as `mark`.

        Args:
            user: The user's id.
            through: Only up to this number: what came since nobody has seen. None: all.
        """
        async with self._opened(user) as mailbox:
            through = mailbox.number if through is None else min(through, mailbox.number)
            return await self._change(user, mailbox, MarkedAll(through)) if mailbox.unread(0) else 0

    async def remove(self, user: str, ids: Sequence[str]) -> int:
        """Throw notifications away; return how many there were. Raises as `mark`."""
        async with self._opened(user) as mailbox:
            numbers = [entry.number for entry in _found(mailbox, ids)]
            return await self._change(user, mailbox, Removed(numbers)) if numbers else 0

    async def acknowledge(self, user: str, number: int) -> None:
        """Say that a device has all up to this number. Raises as `mark`."""
        async with self._opened(user) as mailbox:
            number = min(number, mailbox.number)
            if number > mailbox.acknowledged:
                await self._write(user, mailbox, Acknowledged(number))

    async def _change(self, user: str, mailbox: Mailbox, record: Record) -> int:
        _, change = await self._write(user, mailbox, record)
        return len(change.entries)

    # What is wanted.

    async def preferences(self, user: str) -> dict[str, str]:
        """Return what a user wants, by topic; of others the option ``default`` holds. Raises as `list`."""
        async with self._opened(user) as mailbox:
            return dict(mailbox.preferences)

    async def prefer(self, user: str, topic: str, mode: Mode | None) -> bool:
        """Say what a user wants of a topic.

        Args:
            user: The user's id.
            topic: The topic; empty: what has none.
            mode: ``push``, ``inbox`` or ``off``; None: what the option ``default`` says.

        Returns:
            False: he has said so of ``max_topics`` topics already.

        Raises:
            ValueError: there is no such mode, or these cannot be a topic or a user's id.
            StoreDown: the store cannot be reached; it may be done.

        Cancel: it may be done.
        """
        if topic:
            self._check_topic(topic)
        if mode is not None and mode not in MODES:
            raise ValueError(f"a mode is one of {', '.join(MODES)}, not {mode!r}")
        async with self._opened(user) as mailbox:
            if mailbox.preferences.get(topic) == mode:
                return True
            _, change = await self._write(user, mailbox, Preferred(topic, mode or ""))
            return change.verdict != "full"

    async def topics(self, user: str) -> Sequence[str]:
        """Return the topics that a user follows, oldest first. Raises as `list`."""
        async with self._opened(user) as mailbox:
            return list(mailbox.topics)

    async def follow(self, user: str, topic: str) -> bool:
        """Have a user get what is published about a topic; False: he follows ``max_topics`` already.

        Raises:
            ValueError: these cannot be a topic or a user's id.
            StoreDown: the store cannot be reached; it may be done.

        Cancel: it may be done.
        """
        self._check_topic(topic)
        async with self._opened(user) as mailbox:
            await self._followers.add(topic, user)
            if topic in mailbox.topics:
                return True
            _, change = await self._write(user, mailbox, Followed(topic, True))
            if change.verdict == "full":
                await self._strike(user, mailbox, topic)
                return False
            await self._followers.add(topic, user)
            return True

    async def unfollow(self, user: str, topic: str) -> None:
        """End that. Idempotent; raises as `follow`."""
        self._check_topic(topic)
        async with self._opened(user) as mailbox:
            if topic in mailbox.topics:
                await self._write(user, mailbox, Followed(topic, False))
            await self._strike(user, mailbox, topic)

    async def _strike(self, user: str, mailbox: Mailbox, topic: str) -> None:
        async def follows() -> bool:
            await self._shelf.catch_up(user)
            return topic in mailbox.topics

        await self._followers.remove(topic, user, follows)

    async def forget(self, user: str) -> None:
        """Throw away all that is kept of a user: notifications, preferences, topics, devices.

        Raises:
            ValueError: this cannot be a user's id.
            StoreDown: the store cannot be reached; some may be left.

        Cancel: some may be left; call it again.
        """
        async with self._opened(user) as mailbox:
            topics = list(mailbox.topics)
            await self._write(user, mailbox, Cleared())
            await self._shelf.compact(user, mailbox, now=True)
            for topic in topics:
                await self._strike(user, mailbox, topic)
        if self.devices is not None:
            await self.devices.clear(user)

    # Web Push.

    async def _wake(self, user: str, entry: Entry, urgency: Urgency, collapse: str) -> None:
        """Send Web Push to a user's devices."""
        from openline.notifications.push.message import MAX_PAYLOAD, MAX_TTL, Message

        assert self.push is not None
        assert self.devices is not None
        try:
            devices = await self.devices.of(user)
            live = bool(devices) and self.push.only_offline and await self.is_live(user)
            if not devices or (live and self.push.unacknowledged_after is None):
                return
        except (StoreDown, BrokerDown) as error:
            # The notification is stored, and that is what was asked for.
            logger.warning("no push message for %s: %s", self._shelf.log(user), error)
            return
        item = item_of(entry)
        payload = msgspec.json.encode(item)
        if len(payload) > MAX_PAYLOAD:
            del item["data"]  # the page will show it
            payload = msgspec.json.encode(item)
        expires = entry.expires / 1000 if entry.expires else time.time() + MAX_TTL

        async def seen() -> bool:
            async with self._opened(user) as mailbox:
                known = mailbox.find(entry.id)
                return known is None or known.read or mailbox.acknowledged >= entry.number

        for device in devices:

            async def gone(id_: str = device.id) -> None:
                assert self.devices is not None
                await self.devices.remove(user, id_)

            self.push.post(
                Message(device, payload, expires, urgency, collapse), gone, unless=seen if live else None
            )

    async def add_device(self, user: str, subscription: Any, *, name: str = "") -> str:
        """Have a browser of a user get Web Push; return the id by which it can be removed.

        Args:
            user: The user's id.
            subscription: What ``PushSubscription.toJSON()`` gave in the browser.
            name: What the user knows the device by.

        Raises:
            BadSubscription: this is no subscription, or its endpoint is not https and public. It is a ValueError.
            RuntimeError: the inbox has no ``push``.
            StoreDown: the store cannot be reached; it may be done.

        Cancel: it may be done.
        """
        if self.devices is None or self.push is None:
            raise RuntimeError(f"{self!r} was made without push")
        from openline.notifications.push.endpoints import parse_subscription

        self._check_user(user)
        await self.start()
        device = parse_subscription(subscription, allow_private=self.push.allow_private_endpoints)
        device.name, device.added = name, self._shelf.now()
        await self.devices.add(user, device)
        return device.id

    def may_ask(self, user: str) -> bool:
        """Count one request of a user's clients; False: there are too many of them."""
        return self._shelf.may_ask(user)

    async def is_live(self, user: str) -> bool:
        """Tell whether any device of a user is connected and listens to his inbox, on any node.

        Raises:
            BrokerDown: the broker cannot be reached.
        """
        channel = self.channel(user)
        if any(channel in session.subscriptions for session in self.hub.users.of(user)):
            return True
        if not self.hub.broker.shared:
            return False
        return (await self.hub.presence_stats(channel))[0] > 0

    # What is checked.

    @asynccontextmanager
    async def _opened(self, user: str) -> AsyncGenerator[Mailbox]:
        """Give a user's inbox as it is now, for this node alone to change."""
        self._check_user(user)
        if not self._started:
            await self.start()
        async with self._shelf.current(user) as mailbox:
            yield mailbox

    def _check_user(self, user: str) -> None:
        _check_name(user, "a user's id")
        if not is_plain(user):
            raise ValueError("a user with # or , in his id has no channel of his own")

    @staticmethod
    def _check_topic(topic: str) -> None:
        _check_name(topic, "a topic")


MAX_TTL = 10 * 366 * 86400
"""Seconds that a notification may live: ten years."""


async def _in_parts(users: Iterable[str]) -> AsyncIterator[list[str]]:
    """Give some hundred at a time: others shall have their turn of the loop in between."""
    names = iter(users)
    while some := list(islice(names, 500)):
        yield some


def _found(mailbox: Mailbox, ids: Sequence[str]) -> Iterable[Entry]:
    if len(ids) > MAX_IDS:
        raise ValueError(f"at most {MAX_IDS} notifications at a time")
    return [entry for id_ in dict.fromkeys(ids) if (entry := mailbox.find(id_)) is not None]


def _check_name(name: str, what: str) -> None:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"{what} has 1 to {MAX_NAME} printable characters")
    name.encode()  # half a surrogate pair is no text
