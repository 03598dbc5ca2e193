"""A channel as this node sees it: who is subscribed here, where the stream stands, and how a publication reaches them.

A subscription is not live at once. Until the answer to the subscribe command is written, it gathers what is
published; then it gets what the answer does not hold, and becomes live once the channel's position and its own are
the same. From then on there is no position of its own: what reaches the channel reaches all that are live, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from openline.hub.codes import DisconnectCode, UnsubscribeCode
from openline.hub.group import Group, send_to
from openline.hub.newest import Newest
from openline.hub.publication import Publication, StreamPosition
from openline.hub.session import MOST_GATHERED
from openline.hub.slow_consumer import hold, size_of, take_waiting
from openline.hub.subprotocols.base import NotJSON
from openline.hub.subprotocols.messages import Join, Leave, Push, Reply

if TYPE_CHECKING:
    from openline.hub.counters import Counters
    from openline.hub.namespace import ChannelOptions
    from openline.hub.subprotocols.base import Subprotocol
    from openline.hub.subscription import Subscription
    from openline.hub.turns import Turns

__all__ = ["Channel"]


class Channel:
    """One channel, as long as anybody here is subscribed, or about to be.

    Attributes:
        name: The channel's name.
        options: Its options; given by `use`.
        newest: What those who are live take turns at, where they get the newest values once in ``batch_delay``. None:
            what is published is sent to them.
        subscriptions: By the session's client id; live or not.
        position: Of the last publication that was heard; None: none was, since this node listens.
        pins: How many subscriptions there are, or are coming.
        listening: The broker tells this node of the channel.
        asked: The broker was asked to, whether or not that came to anything.
        occupied: The broker was told that there is somebody.
        lock: Held while these are changed.
    """

    __slots__ = (
        "_alone",
        "_counters",
        "_groups",
        "_joining",
        "_last",
        "_queue_size",
        "_turns_of",
        "asked",
        "listening",
        "lock",
        "name",
        "newest",
        "occupied",
        "options",
        "pins",
        "position",
        "subscriptions",
    )

    def __init__(
        self,
        name: str,
        options: ChannelOptions,
        counters: Counters,
        queue_size: int,
        turns_of: Callable[[float], Turns],
    ) -> None:
        self.name = name
        self.options = options
        self.newest: Newest | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.position: StreamPosition | None = None
        self.pins = 0
        self.listening = False
        self.occupied = False
        self.asked = False
        self.lock = asyncio.Lock()
        self._counters = counters
        self._queue_size = queue_size
        self._turns_of = turns_of
        self._groups: dict[tuple[Subprotocol, bool, bool], Group] = {}
        self._joining: dict[Subscription, None] = {}
        self._alone: dict[tuple[Subprotocol, bool], tuple[Publication, bytes]] = {}
        self._last: bytes | None = None  # the last publication's payload, where there are deltas

    def __repr__(self) -> str:
        return f"<Channel {self.name} {len(self.subscriptions)} subscriptions>"

    def use(self, options: ChannelOptions) -> None:
        """Go by these options from now on."""
        if options is self.options and (self.newest is not None) is _by_turns(options):
            return
        self.options = options
        newest = self.newest
        if newest is not None and not (_by_turns(options) and newest.turns.interval == options.batch_delay):
            self.newest = None
            for subscription in self._live():
                self._send_newest(newest, subscription)
                newest.remove(subscription)
        if _by_turns(options) and self.newest is None:
            newest = self.newest = Newest(self, self._turns_of(options.batch_delay), self._counters)
            for subscription in self._live():
                # What waits is older than what it will get by turns; and no patch will be against what comes by these.
                while (unit := self.take_waiting(subscription)) is not None:
                    subscription.session.write(unit)
                if subscription.group is not None:
                    self._make_live(subscription)

    def _live(self) -> list[Subscription]:
        return [one for one in self.subscriptions.values() if one.group is not None]

    def _send_newest(self, newest: Newest, subscription: Subscription) -> None:
        """Send what a subscription has not had its turn for."""
        session = subscription.session
        units: list[bytes] = []
        try:
            while subscription.seen != newest.number:
                newest.take(subscription, units, MOST_GATHERED)
                session.write(session.subprotocol.join(units))
                units.clear()
        except NotJSON:
            session.disconnect(DisconnectCode.INAPPROPRIATE_PROTOCOL)

    # Who is subscribed.

    def join(self, subscription: Subscription) -> None:
        """A subscription begins to gather what is published."""
        self.subscriptions[subscription.session.client] = subscription
        self._joining[subscription] = None

    def go_live(self, subscription: Subscription, floor: StreamPosition | None) -> None:
        """The answer to the subscribe command is written: send what it does not hold, and go on from there.

        Args:
            subscription: One that joined.
            floor: What the client knows of: the position in its answer. None: it was promised nothing.
        """
        heard = subscription.heard
        if heard is None or subscription not in self._joining:
            return  # it has ended meanwhile
        overflown = subscription.heard_size < 0
        subscription.floor = floor
        subscription.heard = None
        if overflown:
            self._fail([subscription])
            return
        for publication, position in heard:
            if self._passes(subscription, position):
                self._send_alone(subscription, publication)
            if subscription not in self._joining:
                return  # it has ended by that
        if self.position is None:
            self.position = subscription.floor
        self._join_others(subscription)

    def _join_others(self, subscription: Subscription) -> None:
        """Make a subscription live, unless what the others had, or will get, is not what it has."""
        if subscription.floor is None or subscription.floor == self.position:
            self._make_live(subscription)

    def leave(self, subscription: Subscription) -> None:
        """A subscription has ended. Idempotent."""
        self._joining.pop(subscription, None)
        if subscription.group is not None:
            subscription.group.remove(subscription)
            if self.newest is not None:
                self.newest.remove(subscription)
        subscription.heard = subscription.waiting = None
        client = subscription.session.client
        if self.subscriptions.get(client) is subscription:
            del self.subscriptions[client]

    def _make_live(self, subscription: Subscription, *, in_step: bool = False) -> None:
        self._joining.pop(subscription, None)
        if subscription.group is not None:
            subscription.group.remove(subscription)
        key = (subscription.session.subprotocol, subscription.delta, in_step)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key[0], delta=key[1], in_step=in_step)
        group.add(subscription)
        if self.newest is not None:
            self.newest.add(subscription)

    def _passes(self, subscription: Subscription, position: StreamPosition) -> bool:
        """Tell whether a subscription that is not live gets a publication; a gap ends it."""
        floor = subscription.floor
        if floor is None or not position.offset:
            return True
        if position.epoch == floor.epoch:
            if position.offset <= floor.offset:
                return False
            if position.offset == floor.offset + 1:
                subscription.floor = position
                return True
        self._fail([subscription])
        return False

    # What is published.

    def publish(self, publication: Publication, position: StreamPosition) -> None:
        """A publication was heard: send it to all who are subscribed here.

        Nothing in here runs for one subscriber but for those who are special: not live, excluded, or slow in a
        channel with a policy for that.
        """
        fresh = not position.offset or self._follow(position)
        if self._joining:
            for subscription in tuple(self._joining):
                # Also what all others had before: the answer of this one may be older.
                self._hear(subscription, publication, position)
        if fresh and self.newest is not None:
            self.newest.put(publication)
        elif fresh:
            self._deliver(publication)
        if self._joining:
            for subscription in tuple(self._joining):
                if subscription.heard is None:
                    self._join_others(subscription)

    def _deliver(self, publication: Publication) -> None:
        """Send a publication to all who are live."""
        options = self.options
        excluded: Subscription | None = None
        if options.exclude_sender and publication.info is not None:
            excluded = self.subscriptions.get(publication.info.client)
        base = self._last
        if options.delta:
            self._last = bytes(publication.data)
        delivered = 0
        behind: list[Subscription] = []
        caught_up: list[Subscription] = []
        for group in tuple(self._groups.values()):
            if not group.members:
                continue
            try:
                unit = self.encode(group, publication, base if group.in_step else None)
            except NotJSON:
                self._disconnect(group.members)
                continue
            delivered += len(group.members)
            if excluded is not None and excluded.group is group:
                left_out = self._send_each(group, unit, publication, excluded)
            elif options.slow_consumer != "disconnect" or options.batch_delay:
                left_out = self._send_each(group, unit, publication, None)
            else:
                group.send(unit)
                left_out = ()
            delivered -= len(left_out)
            if group.in_step:
                behind += left_out
            elif group.delta:
                # Each of them has the publication now, against which the next may be a patch.
                missing = frozenset(left_out)
                caught_up += [one for one in group.members if one not in missing]
        for moved, in_step in ((behind, False), (caught_up, True)):
            for subscription in moved:
                if subscription.group is not None:
                    self._make_live(subscription, in_step=in_step)
        self._counters.deliveries += delivered

    def _follow(self, position: StreamPosition) -> bool:
        """Take note of the stream's position; False: this publication was heard before."""
        known = self.position
        self.position = position
        if known is None:
            return True
        if position.epoch == known.epoch:
            if position.offset <= known.offset:
                self.position = known
                return False
            if position.offset == known.offset + 1:
                return True
        self.lose()
        return True

    def lose(self) -> None:
        """Something was missed: who was promised that he would hear of it does so."""
        self._fail([one for one in self.subscriptions.values() if one.positioned and one.group is not None])

    def is_behind(self, top: StreamPosition) -> bool:
        """Tell whether somebody here has not heard all up to a position, and waits for nothing else than that."""
        return _is_before(self.position, top) or any(
            _is_before(one.floor, top) for one in self._joining if one.heard is None
        )

    def skip_to(self, top: StreamPosition) -> None:
        """What was published up to this position, and not heard, will not come any more: tell who was promised it."""
        if _is_before(self.position, top):
            self.position = top
            self.lose()
        joining = [one for one in self._joining if one.heard is None]
        self._fail([one for one in joining if _is_before(one.floor, top)])
        for subscription in joining:
            if subscription in self._joining:
                self._join_others(subscription)

    def _fail(self, subscriptions: Iterable[Subscription]) -> None:
        for subscription in tuple(subscriptions):
            if subscription.server_side:
                subscription.session.disconnect(DisconnectCode.INSUFFICIENT_STATE)
            else:
                subscription.session.end_subscription(subscription, UnsubscribeCode.INSUFFICIENT)

    def _disconnect(self, subscriptions: Iterable[Subscription]) -> None:
        for subscription in tuple(subscriptions):
            subscription.session.disconnect(DisconnectCode.INAPPROPRIATE_PROTOCOL)

    def _hear(self, subscription: Subscription, publication: Publication, position: StreamPosition) -> None:
        """A publication for a subscription that is not live."""
        heard = subscription.heard
        if heard is None:
            if self._passes(subscription, position):
                self._send_alone(subscription, publication)
            return
        if subscription.heard_size < 0:
            return
        subscription.heard_size += size_of(publication)
        if subscription.heard_size > self._queue_size:
            heard.clear()
            subscription.heard_size = -1
            return
        heard.append((publication, position))

    def encode(self, group: Group, publication: Publication, base: bytes | None = None) -> bytes:
        """Encode the push of a publication for a group.

        Args:
            group: For whom.
            publication: The publication.
            base: The payload against which it may be a patch; None: it is sent whole.

        Raises:
            NotJSON: it cannot be encoded for them.
        """
        subprotocol = group.subprotocol
        payload = subprotocol.check_payload(bytes(publication.data))
        if group.delta:
            checked = replace(publication, data=payload)
            payload, patch = subprotocol.delta_data(checked, base)
            publication = replace(publication, data=payload, delta=patch)
        elif payload is not publication.data:
            publication = replace(publication, data=payload)
        return subprotocol.encode_publication(self.name, publication)

    def _send_alone(self, subscription: Subscription, publication: Publication) -> None:
        """Send to one subscription, whole, unless it is the sender's."""
        info = publication.info
        if self.options.exclude_sender and info is not None and info.client == subscription.session.client:
            return
        unit = self._unit_alone(subscription, publication)
        if unit is not None:
            subscription.session.write(unit)

    def _unit_alone(self, subscription: Subscription, publication: Publication) -> bytes | None:
        """Encode for one subscription, whole; None: its session has been ended for it."""
        session = subscription.session
        kind = (session.subprotocol, subscription.delta)
        # Clients that are slow, or gather, mostly wait for the same publication.
        last = self._alone.get(kind)
        if last is not None and last[0] is publication:
            self._counters.deliveries += 1
            return last[1]
        alone = Group(session.subprotocol, delta=subscription.delta, in_step=False)
        try:
            unit = self.encode(alone, publication)
        except NotJSON:
            session.disconnect(DisconnectCode.INAPPROPRIATE_PROTOCOL)
            return None
        self._alone[kind] = (publication, unit)
        self._counters.deliveries += 1
        return unit

    def _send_each(
        self, group: Group, unit: bytes, publication: Publication, excluded: Subscription | None
    ) -> Sequence[Subscription]:
        """Send to all members of a group, one by one, each as its client can take it; return who got nothing."""
        options = self.options
        ready: list[Subscription] = []
        left_out: list[Subscription] = []
        for subscription in tuple(group.members):
            if subscription is excluded:
                left_out.append(subscription)
                continue
            session = subscription.session
            if options.slow_consumer != "disconnect" and (
                subscription.waiting is not None or session.transport.unsent > session.hub.write_high
            ):
                dropped, conflated = hold(subscription, publication)
                if dropped:
                    self._counters.count_drop(options.slow_consumer, dropped)
                self._counters.conflated += conflated
                session.waits(subscription, options.batch_delay)
                left_out.append(subscription)
            elif options.batch_delay:
                session.gather(unit, options.batch_delay)
            else:
                ready.append(subscription)
        send_to(group.subprotocol, ready, unit)
        return left_out

    def take_waiting(self, subscription: Subscription) -> bytes | None:
        """Take the oldest publication that waits for a slow client, as a unit; None: nothing waits."""
        publication = take_waiting(subscription)
        return None if publication is None else self._unit_alone(subscription, publication)

    def count_waiting(self, subscription: Subscription) -> int:
        """Count the publications that wait for a client to take them, or for its turn."""
        newest = self.newest
        by_turns = 0 if newest is None or subscription.group is None else newest.waiting(subscription)
        return len(subscription.waiting or ()) + by_turns

    # Who comes and goes.

    def announce(self, push: Join | Leave) -> None:
        """Tell of a join or a leave who is to be told."""
        told: dict[Subprotocol, list[Subscription]] = {}
        for subscription in self.subscriptions.values():
            if subscription.join_leave and subscription.group is not None:
                told.setdefault(subscription.session.subprotocol, []).append(subscription)
        for subprotocol, subscriptions in told.items():
            fields: dict[str, Any] = {"join" if isinstance(push, Join) else "leave": push}
            unit = subprotocol.encode(Reply(push=Push(channel=self.name, **fields)))
            send_to(subprotocol, subscriptions, unit)


def _by_turns(options: ChannelOptions) -> bool:
    """Tell whether clients get the newest values once in an interval."""
    return options.slow_consumer == "conflate" and options.batch_delay > 0


def _is_before(place: StreamPosition | None, top: StreamPosition) -> bool:
    """Tell whether a place, if it is known, is not as far as the top of a stream."""
    return place is not None and (place.epoch != top.epoch or place.offset < top.offset)
