"""What waits for a client that does not keep up, in channels that do not disconnect it.

`drop_oldest` keeps the newest publications, up to ``max_waiting`` bytes. `conflate` keeps the newest of each key,
in the order of their offsets: one that is overwritten moves to the end. Where there are too many keys for
``max_waiting``, the oldest are dropped, and counted as such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openline.hub.publication import Publication
    from openline.hub.subscription import Subscription

__all__ = ["hold", "size_of", "take_waiting"]


def hold(subscription: Subscription, publication: Publication) -> tuple[int, int]:
    """Keep a publication until the client can take it.

    Returns:
        How many were dropped for it, and how many were conflated.
    """
    options = subscription.channel.options
    waiting = subscription.waiting
    if waiting is None:
        waiting = subscription.waiting = {}
    dropped = conflated = 0
    # By identity, where nothing overwrites anything.
    key: object = publication.key if options.slow_consumer == "conflate" else publication
    if key is publication:
        key = id(publication)
    else:
        overwritten = waiting.pop(key, None)
        if overwritten is not None:
            subscription.waiting_size -= size_of(overwritten)
            conflated = 1
    waiting[key] = publication
    subscription.waiting_size += size_of(publication)
    while subscription.waiting_size > options.max_waiting and len(waiting) > 1:
        oldest = waiting.pop(next(iter(waiting)))
        subscription.waiting_size -= size_of(oldest)
        dropped += 1
    return dropped, conflated


def take_waiting(subscription: Subscription) -> Publication | None:
    """Take the oldest that waits; None: nothing does."""
    waiting = subscription.waiting
    if waiting is None:
        return None
    publication = waiting.pop(next(iter(waiting)))
    subscription.waiting_size -= size_of(publication)
    if not waiting:
        subscription.waiting = None
    return publication


def size_of(publication: Publication) -> int:
    """Estimate the bytes that a publication takes, while it waits or in a frame."""
    tags, info = publication.tags, publication.info
    size = len(publication.data) + len(publication.key) + _OVERHEAD
    if info is not None:
        size += len(info.user) + len(info.client) + _OVERHEAD
        size += sum(len(one) for one in (info.conn_info, info.chan_info) if one is not None)
    return (
        size
        if tags is None
        else size + sum(len(name) + len(value) + _OVERHEAD for name, value in tags.items())
    )


_OVERHEAD = 100
"""Bytes of an entry, about, besides what it says."""
