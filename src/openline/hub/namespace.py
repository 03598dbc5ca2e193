"""Channels by name, and the options that hold for them.

A channel's name is ``namespace:rest``. Without a colon it is of the namespace ``""``. Two more signs mean something:
``#user`` at the end makes a channel personal (`user_limited`): ``inbox#42`` belongs to user 42, ``chat:dialog#42,43``
to those two. All options stand in one record, in code and in ``hub.toml`` alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Literal

from openline.hub.publication import HistoryOptions

__all__ = ["Access", "ChannelOptions", "SlowConsumer", "is_plain", "namespace_of", "users_of"]

Access = Literal["nobody", "subscribers", "users", "anyone"]
"""Who may do something in a channel without a token or a hook that says so: nobody; who is subscribed to it; who is
subscribed and has a user id, or (for subscribing) who has a user id; also those without one."""

SlowConsumer = Literal["disconnect", "drop_oldest", "conflate"]
"""What happens when a client does not keep up: it is disconnected with 3008; its oldest waiting publication of the
channel is dropped; only the newest publication for each ``key`` waits."""

NAME = re.compile(r"[-a-zA-Z0-9_.]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOptions:
    """Options of the channels of a namespace.

    Attributes:
        history: Publications that a channel keeps. 0: none.
        ttl: Seconds that they live after the newest of them. Must be above 0 where ``history`` is.
        meta_ttl: Seconds that a channel's offset and epoch live after its newest publication: a client that was
            away for longer cannot recover. Default 30 days.
        recovery: Clients get what they missed while they were away: every subscription is recoverable, asked for or
            not. Needs ``history``.
        recovery_mode: ``stream``: all that was missed; ``cache``: only the newest publication, also at the first
            subscribe.
        positioned: Gaps are noticed without being recovered: the client is told to start anew.
        presence: Who is in the channel can be asked.
        join_leave: Every subscriber is told who comes and goes, asked for or not.
        delta: Publications are sent as patches (fossil) to clients that offer it.
        subscribe: Who may subscribe without a subscription token. Not ``subscribers``.
        publish: Who may publish.
        read_history: Who may read the history.
        read_presence: Who may read the presence.
        max_subscribers: Subscribers of one channel on one node; None: no bound.
        publish_rate: Publications a second that one client may make in one channel, 2 s' worth at once; None: no bound.
        exclude_sender: A publication does not go back to the session that made it.
        slow_consumer: What happens to who does not keep up. ``drop_oldest`` cannot be had together with ``recovery`` or
            ``positioned``, nor ``conflate`` with ``recovery`` in mode ``stream``: what was left out would count as
            lost.
        max_waiting: Bytes of publications of one channel that wait for one client before the oldest are dropped, with
            ``drop_oldest``; with ``conflate``, where there are that many keys. Each drop is counted.
        batch_delay: Seconds that publications are gathered for a client, to leave in one frame; 0: each leaves at once.
            With ``conflate`` the client gets the newest of each ``key``, of all channels with the same delay in one
            frame, once in this time; the values are kept once for all clients, ``max_waiting`` bytes in each channel.
    """

    history: int = 0
    ttl: float = 0.0
    meta_ttl: float = 30 * 86400.0
    recovery: bool = False
    recovery_mode: Literal["stream", "cache"] = "stream"
    positioned: bool = False
    presence: bool = False
    join_leave: bool = False
    delta: bool = False
    subscribe: Access = "users"
    publish: Access = "subscribers"
    read_history: Access = "subscribers"
    read_presence: Access = "subscribers"
    max_subscribers: int | None = None
    publish_rate: float | None = None
    exclude_sender: bool = False
    slow_consumer: SlowConsumer = "disconnect"
    max_waiting: int = 2**18
    batch_delay: float = 0.0

    def __post_init__(self) -> None:
        if (self.history > 0) != (self.ttl > 0):
            raise ValueError("history and ttl go together: both above 0, or neither")
        if self.history < 0 or self.ttl < 0 or self.batch_delay < 0 or self.max_waiting <= 0:
            raise ValueError("history, ttl and batch_delay must not be negative, max_waiting must be above 0")
        if self.recovery and not self.history:
            raise ValueError("recovery needs history: what is not kept cannot be recovered")
        if self.positioned and not self.history:
            raise ValueError("positioned needs history: without it publications have no offsets")
        if self.subscribe == "subscribers":
            raise ValueError("subscribe must be nobody, users or anyone")
        if self.slow_consumer == "drop_oldest" and (self.recovery or self.positioned):
            raise ValueError(
                "slow_consumer='drop_oldest' loses publications, which recovery and positioned promise not to"
            )
        if self.slow_consumer == "conflate" and self.recovery and self.recovery_mode == "stream":
            raise ValueError(
                "slow_consumer='conflate' leaves publications out, which recovery of the stream promises not to"
            )
        for name in ("max_subscribers", "publish_rate"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be above 0, or None for no bound")

    @property
    def stream(self) -> HistoryOptions | None:
        """What the broker is told of the history; None: there is none."""
        return HistoryOptions(self.history, self.ttl, self.meta_ttl) if self.history else None

    @classmethod
    def closed(cls) -> ChannelOptions:
        """Options of a namespace in a configuration file before it says anything: everything is off."""
        return cls(subscribe="nobody", publish="nobody", read_history="nobody", read_presence="nobody")


OPTION_NAMES = frozenset(field.name for field in fields(ChannelOptions))


def namespace_of(channel: str) -> str:
    """Return the namespace in a channel's name: what stands before the first colon; empty without one."""
    name, colon, _ = channel.partition(":")
    return name if colon else ""


def is_plain(user: str) -> bool:
    """Tell whether a user's id can stand behind ``#`` without naming somebody else."""
    return user != "" and "," not in user and "#" not in user


def users_of(channel: str) -> tuple[str, ...] | None:
    """Return the users a channel is limited to by ``#`` in its name; None: it is not."""
    _, sign, users = channel.rpartition("#")
    return tuple(users.split(",")) if sign else None
