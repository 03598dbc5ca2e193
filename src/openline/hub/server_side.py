"""What the application does: publish, and order sessions and channels about, on whatever node they are."""

from __future__ import annotations

import asyncio
import fnmatch
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from openline.hub.brokers.base import BrokerDown, EpochChanged, ImmediateBroker
from openline.hub.codes import Disconnect, DisconnectCode, ErrorCode, Refused, UnsubscribeCode
from openline.hub.publication import ClientInfo, Publication, PublishResult, StreamPosition
from openline.hub.values import to_payload

if TYPE_CHECKING:
    from openline.hub.brokers.base import Broker
    from openline.hub.counters import Counters
    from openline.hub.namespace import ChannelOptions
    from openline.hub.nodes import Nodes
    from openline.hub.session import Session
    from openline.hub.transports.base import EmulatedTransport

__all__ = ["ServerSide"]

_AT_ONCE = 256
"""Publications of a broadcast, or channels of many publications, that are under way at a time."""

_UNKNOWN = BrokerDown("it was not published")

Many: TypeAlias = "tuple[str, Any] | tuple[str, Any, str]"
"""Channel, data, and the key where there is one."""


class ServerSide:
    """The part of a `Hub` that the application calls. All of it may be called on any node, from the hub's loop;
    from other threads by ``hub.sync``."""

    if TYPE_CHECKING:
        counters: Counters
        node: str
        nodes: Nodes
        emulated: dict[str, Session]

        def options_of(self, channel: str) -> ChannelOptions: ...
        async def started(self) -> Broker: ...

    async def publish(
        self,
        channel: str,
        data: Any,
        *,
        key: str = "",
        tags: dict[str, str] | None = None,
        idempotency_key: str = "",
        skip_history: bool = False,
        info: ClientInfo | None = None,
    ) -> PublishResult:
        """Publish to all subscribers of a channel, on all nodes.

        Args:
            channel: Its name; its namespace must have been declared.
            data: Any JSON-able object (None: null); bytes are taken as they are: JSON text, or anything for
                protobuf clients.
            key: What ``data`` is the newest state of, for ``slow_consumer="conflate"``.
            tags: Strings shown to clients.
            idempotency_key: The channel publishes only the first of equal keys within five minutes. Empty: each.
            skip_history: It is not kept and has no offset; who is away misses it.
            info: The client in whose name it is published; None: the server's.

        Returns:
            Where it stands in the channel's stream, and whether it was a duplicate.

        Raises:
            Refused: 102, the namespace is not known; 107, the name is too long or empty.
            TypeError, ValueError: ``data``, ``key`` or ``tags`` cannot be encoded.
            BrokerDown: the broker cannot be reached; whether it was published is not known.

        Cancel: it may have been published.
        """
        options = self.options_of(channel)
        _check_text(key, idempotency_key)
        if tags:
            _check_text(*tags, *tags.values())
        broker = await self.started()
        began = time.perf_counter()
        publication = Publication(
            data=to_payload(data),
            info=info,
            tags=tags,
            key=key,
            time=int(time.time() * 1000),
        )
        result = await broker.publish(
            channel,
            publication,
            history=None if skip_history else options.stream,
            idempotency_key=idempotency_key,
        )
        counters = self.counters
        counters.publications += 1
        counters.publish_latency.observe(time.perf_counter() - began)
        return result

    async def publish_many(
        self, publications: Iterable[tuple[str, Any] | tuple[str, Any, str]]
    ) -> list[PublishResult | Exception]:
        """Publish many things, each to its channel; those of one channel in their order.

        It costs less than as many calls of `publish`: with the broker in memory about half, with another as many are
        under way at a time as there are channels.

        Args:
            publications: Channel and data of each, and the key where it has one; as in `publish`. The loop is left to
                others after each 256 of them.

        Returns:
            For each the result, or the `Refused` or `BrokerDown` that came of it, or what its data raised.

        Raises:
            BrokerDown: the hub is not, and cannot be, started.

        Cancel: some may have been published.
        """
        broker = await self.started()
        several = list(publications)
        if not isinstance(broker, ImmediateBroker):
            return await self._publish_many(several)
        results: list[PublishResult | Exception] = []
        for at in range(0, len(several), _AT_ONCE):
            if at:
                await asyncio.sleep(0)
            self._publish_now(broker, several[at : at + _AT_ONCE], results)
        return results

    def _publish_now(
        self, broker: ImmediateBroker, several: list[Many], results: list[PublishResult | Exception]
    ) -> None:
        began, now = time.perf_counter(), int(time.time() * 1000)
        before = len(results)
        failed = 0
        for one in several:
            channel, data = one[0], one[1]
            try:
                stream = self.options_of(channel).stream
                publication = Publication(data=to_payload(data), time=now)
                if len(one) == 3:
                    _check_text(one[2])
                    publication.key = one[2]
                results.append(broker.publish_now(channel, publication, stream))
            except (Refused, BrokerDown, TypeError, ValueError) as error:
                results.append(error)
                failed += 1
        published = len(results) - before - failed
        counters = self.counters
        counters.publications += published
        if published:
            counters.publish_latency.observe((time.perf_counter() - began) / len(several), published)

    async def _publish_many(self, several: list[Many]) -> list[PublishResult | Exception]:
        """One after the other in each channel, the channels at the same time."""
        results: list[PublishResult | Exception] = [_UNKNOWN] * len(several)
        by_channel: dict[str, list[int]] = {}
        for at, one in enumerate(several):
            by_channel.setdefault(one[0], []).append(at)

        async def publish(places: list[int]) -> None:
            for at in places:
                channel, data, *keys = several[at]
                try:
                    results[at] = await self.publish(channel, data, key=keys[0] if keys else "")
                except (Refused, BrokerDown, TypeError, ValueError) as error:
                    results[at] = error

        channels = list(by_channel.values())
        for at in range(0, len(channels), _AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for places in channels[at : at + _AT_ONCE]:
                    group.create_task(publish(places))
        return results

    async def broadcast(
        self, channels: Sequence[str], data: Any, **options: Any
    ) -> list[PublishResult | Exception]:
        """Publish the same to several channels.

        Args:
            channels: Their names.
            data: As in `publish`.
            options: The keywords of `publish`; ``idempotency_key`` counts for each channel.

        Returns:
            For each channel the result, or the `Refused` or `BrokerDown` that came of it.
        """
        payload = to_payload(data)
        results: list[PublishResult | Exception] = []
        for at in range(0, len(channels), _AT_ONCE):
            part = [self.publish(channel, payload, **options) for channel in channels[at : at + _AT_ONCE]]
            for result in await asyncio.gather(*part, return_exceptions=True):
                if isinstance(result, BaseException) and not isinstance(result, Exception):
                    raise result
                results.append(result)
        return results

    async def subscribe(
        self,
        user: str,
        channel: str,
        *,
        client: str = "",
        session: str = "",
        info: Any = None,
        data: Any = None,
        expire_at: float | None = None,
        recover_since: StreamPosition | None = None,
    ) -> int:
        """Subscribe a user's sessions to a channel, by a push.

        Args:
            user: The user's id; empty: only with ``client`` or ``session``.
            channel: The channel.
            client: Only the session with this client id. Empty: all of the user's.
            session: Only the session with this session id, which clients have that came by HTTP. Empty: all.
            info: Of the client in the channel, as in `Subscribe`.
            data: For the client, likewise.
            expire_at: When it ends unless refreshed, in seconds since 1970. None: never.
            recover_since: Give it what came after this position.

        Returns:
            How many sessions were subscribed. Those that were already, and those that have as many channels as they
            may, are not counted.

        Raises:
            Refused: 102 or 107.
            BrokerDown: the other nodes cannot be told.
        """
        self.options_of(channel)
        _check_text(channel)
        await self.started()
        return await self._count(
            "subscribe",
            user=user,
            client=client,
            session=session,
            channel=channel,
            info=_raw(info),
            data=_raw(data),
            expire_at=expire_at or 0.0,
            since=None if recover_since is None else list(recover_since),
        )

    async def unsubscribe(
        self,
        user: str,
        channel: str,
        *,
        client: str = "",
        session: str = "",
        code: int = UnsubscribeCode.SERVER,
        reason: str | None = None,
    ) -> int:
        """End a user's subscriptions of a channel.

        Args:
            user: The user's id; empty: only with ``client`` or ``session``.
            channel: The channel.
            client: Only the session with this client id. Empty: all of the user's.
            session: The same by session id.
            code: An `UnsubscribeCode`: from 2500 on the client subscribes again by itself.
            reason: None: the standard text of the code.

        Returns:
            How many subscriptions ended.

        Raises:
            BrokerDown: the other nodes cannot be told.
        """
        _check_text(reason or "")
        await self.started()
        return await self._count(
            "unsubscribe",
            user=user,
            client=client,
            session=session,
            channel=channel,
            code=int(code),
            reason=reason,
        )

    async def disconnect(
        self,
        user: str,
        *,
        code: int = DisconnectCode.FORCE_NO_RECONNECT,
        reason: str | None = None,
        client: str = "",
        session: str = "",
        whitelist: Sequence[str] = (),
    ) -> int:
        """End a user's sessions.

        Args:
            user: The user's id; empty: only with ``client`` or ``session``.
            code: A `DisconnectCode`, or 4000 to 4999 of the application's own.
            reason: None: the standard text of the code.
            client: Only the session with this client id. Empty: all of the user's.
            session: The same by session id.
            whitelist: Client ids of sessions that stay.

        Returns:
            How many sessions ended.

        Raises:
            BrokerDown: the other nodes cannot be told.
        """
        Disconnect(code, reason)  # which raises, before any session has ended
        await self.started()
        return await self._count(
            "disconnect",
            user=user,
            client=client,
            session=session,
            code=int(code),
            reason=reason,
            whitelist=list(whitelist),
        )

    async def refresh(
        self,
        user: str,
        *,
        client: str = "",
        session: str = "",
        expire_at: float | None = None,
        expired: bool = False,
        info: Any = None,
    ) -> int:
        """Let a user's sessions live on, or end.

        Args:
            user: The user's id; empty: only with ``client`` or ``session``.
            client: Only the session with this client id. Empty: all of the user's.
            session: The same by session id.
            expire_at: When they end unless refreshed again, in seconds since 1970. None: never.
            expired: They have expired: end them with 3005.
            info: Of the connection from now on; None: as it was.

        Returns:
            How many sessions it concerned.

        Raises:
            BrokerDown: the other nodes cannot be told.
        """
        await self.started()
        return await self._count(
            "refresh",
            user=user,
            client=client,
            session=session,
            expire_at=expire_at or 0.0,
            expired=expired,
            info=_raw(info),
        )

    async def _count(self, operation: str, **params: Any) -> int:
        if not (params["user"] or params["client"] or params["session"]):
            raise Refused(ErrorCode.BAD_REQUEST, "neither a user nor a client is named")
        return sum((await self.nodes.ask(operation, **params)).values())

    # Channels.

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        """Return who is in a channel, by client id.

        Raises:
            Refused: 102; 108, the channel has no presence.
            BrokerDown: the broker cannot be reached.
        """
        self._demand(self.options_of(channel).presence)
        return await (await self.started()).presence(channel)

    async def presence_stats(self, channel: str) -> tuple[int, int]:
        """Return how many clients and how many different users are in a channel; raises as `presence`."""
        self._demand(self.options_of(channel).presence)
        return await (await self.started()).presence_stats(channel)

    async def history(
        self,
        channel: str,
        *,
        limit: int = 0,
        since: StreamPosition | None = None,
        reverse: bool = False,
    ) -> tuple[list[Publication], StreamPosition]:
        """Read a channel's stream.

        Args:
            channel: The channel.
            limit: How many publications at most. 0: none, only the position. -1: all.
            since: Only what came after this position (before it, in reverse). None: from the oldest (newest) on.
            reverse: Newest first.

        Raises:
            Refused: 102; 108, the channel keeps no history; 112, ``since`` is of another epoch.
            BrokerDown: the broker cannot be reached.
        """
        stream = self.options_of(channel).stream
        self._demand(stream is not None)
        assert stream is not None
        broker = await self.started()
        try:
            return await broker.history(channel, history=stream, limit=limit, since=since, reverse=reverse)
        except EpochChanged:
            raise Refused(ErrorCode.UNRECOVERABLE_POSITION) from None

    async def history_remove(self, channel: str) -> None:
        """Forget a channel's publications; its offsets go on. Raises as `history`."""
        self._demand(self.options_of(channel).stream is not None)
        await (await self.started()).remove_history(channel)

    @staticmethod
    def _demand(condition: bool) -> None:
        if not condition:
            raise Refused(ErrorCode.NOT_AVAILABLE)

    async def channels(self, pattern: str = "") -> dict[str, int]:
        """Return the channels that anybody subscribes to, on any node, with the number of their subscribers.

        Args:
            pattern: Of the shell: ``chat:*``. Empty: all.

        Raises:
            BrokerDown: the other nodes cannot be asked.
        """
        await self.started()
        total: dict[str, int] = {}
        for counts in (await self.nodes.ask("channels", pattern=pattern)).values():
            for name, count in counts.items():
                total[name] = total.get(name, 0) + count
        return total

    async def info(self) -> list[dict[str, Any]]:
        """Return what each node says of itself: uid, name, version, numbers of clients, users, subscriptions,
        channels, uptime.

        Raises:
            BrokerDown: the other nodes cannot be asked.
        """
        await self.started()
        return list((await self.nodes.ask("info")).values())

    async def emulate(self, session: str, node: str, frame: str | bytes) -> bool:
        """Give a session, on whatever node, a frame of commands that came by a request of its own.

        Args:
            session: Its id, as the connect result said.
            node: Its node, likewise.
            frame: The frame.

        Returns:
            Whether there is such a session.

        Raises:
            BrokerDown: its node cannot be told.
        """
        known = self.emulated.get(session)
        if known is not None:
            cast("EmulatedTransport", known.transport).receive(frame)
            return True
        if node == self.node or node not in self.nodes.known():
            return False
        return any((await self.nodes.ask("emulate", node=node, session=session, frame=frame)).values())


def describe_process() -> dict[str, float]:
    """Return what the process has used."""
    times = os.times()
    return {"cpu": times.user + times.system}


def matches(name: str, pattern: str) -> bool:
    """Tell whether a channel's name is meant by a pattern of the shell; an empty one means all."""
    return not pattern or fnmatch.fnmatchcase(name, pattern)


def _check_text(*texts: object) -> None:
    """Refuse what cannot be encoded: it would stay in the stream, and nobody could read that any more."""
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"keys and tags are strings, not {text!r}")
        if not text.isascii():
            text.encode()


def _raw(value: Any) -> bytes | None:
    return None if value is None else bytes(to_payload(value))
