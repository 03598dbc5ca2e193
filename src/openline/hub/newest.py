"""The newest value of each key of a channel, once for all its subscribers: ``conflate`` with a ``batch_delay``.

A publication only takes the place of the one before it of its key: nothing is encoded, and nothing is done for any
subscriber. Each subscription knows up to where it has everything, by number; when it is its client's turn
(`openline.hub.turns`), it gets what is newer, in the order of the numbers, and goes on from there. A value is encoded
when the first client takes it, and once for all that take it in the same encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openline.hub.slow_consumer import size_of

if TYPE_CHECKING:
    from openline.hub.channel import Channel
    from openline.hub.counters import Counters
    from openline.hub.group import Group
    from openline.hub.publication import Publication
    from openline.hub.session import Session
    from openline.hub.subscription import Subscription
    from openline.hub.turns import Turns

__all__ = ["Newest"]


class _Value:
    """The newest publication of a key, and its frames' units as far as anybody has asked for them."""

    __slots__ = ("number", "publication", "size", "units")

    def __init__(self, number: int, publication: Publication, size: int) -> None:
        self.number = number
        self.publication = publication
        self.size = size
        self.units = _NONE


_NONE: dict[Group | None, bytes] = {}
"""The units of a value that nobody has taken; never changed."""


class Newest:
    """What the live subscriptions of a channel take turns at.

    Values take ``max_waiting`` bytes at most. Beyond that the oldest go: those that everybody has, and then those that
    somebody misses by that, which is counted for each of them.

    Args:
        channel: The channel.
        turns: When whose turn it is.
        counters: Where it is counted what was delivered, conflated and dropped.

    Attributes:
        members: The subscriptions with their sessions, by the place of the session in the round.
        number: Of the last publication; they are counted from 1 on, for as long as this lives.
        only: The one value that there is, where everybody who has not the last publication is to get it. None: there
            are several, or somebody is to be left out.
        stirred: The tick after which everybody's turn has to come once.
    """

    __slots__ = (
        "_channel",
        "_count",
        "_counters",
        "_left_out",
        "_size",
        "_values",
        "members",
        "number",
        "only",
        "stirred",
        "turns",
    )

    def __init__(self, channel: Channel, turns: Turns, counters: Counters) -> None:
        self.turns = turns
        self.members: list[dict[Subscription, Session] | None] = [None] * turns.places
        self.number = 0
        self.only: _Value | None = None
        self.stirred = 0
        self._channel = channel
        self._counters = counters
        self._count = 0
        self._values: dict[str, _Value] = {}
        self._size = 0
        # What was neither sent to somebody nor conflated for him: his own, and what was dropped.
        self._left_out: dict[Subscription, int] = {}

    # Who takes part.

    def add(self, subscription: Subscription) -> None:
        """A subscription is live, and has everything up to now. Idempotent."""
        place = self.turns.place_of(subscription.session)
        members = self.members[place]
        if members is None:
            members = self.members[place] = {}
        if subscription not in members:
            members[subscription] = subscription.session
            subscription.seen = self.number
            self._count += 1

    def remove(self, subscription: Subscription) -> None:
        """It has ended. Idempotent."""
        place = self.turns.place_of(subscription.session)
        members = self.members[place]
        if members is None or subscription not in members:
            return
        del members[subscription]
        if not members:
            self.members[place] = None
        self._left_out.pop(subscription, None)
        self._count -= 1
        if not self._count:
            self._values.clear()
            self._size, self.only = 0, None
            self.turns.settle(self)

    # What is published.

    def put(self, publication: Publication) -> None:
        """A publication is the newest of its key."""
        number = self.number = self.number + 1
        if not self._count:
            return
        channel, key, values = self._channel, publication.key, self._values
        size = size_of(publication)
        before = values.pop(key, None)
        self._size += size if before is None else size - before.size
        value = values[key] = _Value(number, publication, size)
        options = channel.options
        if options.exclude_sender and publication.info is not None:
            sender = channel.subscriptions.get(publication.info.client)
            if sender is not None and sender.group is not None:
                self._left_out[sender] = self._left_out.get(sender, 0) + 1
        if self._size > options.max_waiting and len(values) > 1:
            self._make_room(options.max_waiting)
        self.only = value if len(values) == 1 and not self._left_out else None
        turns = self.turns
        self.stirred = turns.tick
        if self not in turns.stirring:
            turns.stir(self)

    def _make_room(self, most: int) -> None:
        subscriptions = [one for members in self.members if members for one in members]
        had_by_all = min(one.seen for one in subscriptions)
        while len(self._values) > 1:
            key, value = next(iter(self._values.items()))
            if value.number > had_by_all and self._size <= most:
                break
            del self._values[key]
            self._size -= value.size
            if value.number > had_by_all:
                self._drop(value, subscriptions)

    def _drop(self, value: _Value, subscriptions: list[Subscription]) -> None:
        missed_by = [one for one in subscriptions if one.seen < value.number and not self._is_own(one, value)]
        self._counters.count_drop("conflate", len(missed_by))
        for subscription in missed_by:
            self._left_out[subscription] = self._left_out.get(subscription, 0) + 1

    def _is_own(self, subscription: Subscription, value: _Value) -> bool:
        """Whether a value is the subscriber's own, which does not go back to it."""
        info = value.publication.info
        return (
            info is not None
            and info.client == subscription.session.client
            and self._channel.options.exclude_sender
        )

    # What a subscription takes.

    def waiting(self, subscription: Subscription) -> int:
        """Count the values that wait for a subscription."""
        return len(self._after(subscription.seen))

    def take(self, subscription: Subscription, units: list[bytes], most: int) -> int:
        """Take what is newer than what a subscription has, as units. (Where there is an `only`, `Turns` does the same.)

        Args:
            subscription: A member.
            units: Where they are appended.
            most: Bytes after which the rest is left for another time; it is had by all when its ``seen`` is `number`.

        Returns:
            Their bytes.

        Raises:
            NotJSON: one cannot be encoded for its client.
        """
        seen, size, sent = subscription.seen, 0, 0
        for value in self._after(seen):
            if size >= most:
                break
            seen = value.number
            if not self._is_own(subscription, value):
                unit = value.units.get(subscription.group) or self.unit(value, subscription)
                units.append(unit)
                size += len(unit)
                sent += 1
        else:
            seen = self.number
        others = seen - subscription.seen - sent
        left_out = self._left_out.pop(subscription, 0)
        if left_out > others:
            # Some stand behind what is left for another time.
            self._left_out[subscription] = left_out - others
            left_out = others
        self._counters.conflated += others - left_out
        self._counters.deliveries += sent
        subscription.seen = seen
        return size

    def _after(self, number: int) -> list[_Value]:
        """The values that are newer, in their order; takes time in proportion to those."""
        found: list[_Value] = []
        for value in reversed(self._values.values()):
            if value.number <= number:
                break
            found.append(value)
        found.reverse()
        return found

    def unit(self, value: _Value, subscription: Subscription) -> bytes:
        """Encode a value for a subscription, and for all that share its group.

        Raises:
            NotJSON: it cannot be encoded for them.
        """
        group = subscription.group
        assert group is not None
        if value.units is _NONE:
            value.units = {}
        unit = value.units[group] = self._channel.encode(group, value.publication)
        return unit
