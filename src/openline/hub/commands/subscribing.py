"""``subscribe``, and how every subscription begins.

The order is what the protocol promises: the channel is listened to first, then the stream is read, then the answer is
written, then what was heard meanwhile, and only then the subscription is live (`openline.hub.channel`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from openline.hub.auth.tokens import KeysUnavailable, SubscriptionClaims, TokenExpired, TokenInvalid
from openline.hub.brokers.base import EpochChanged
from openline.hub.codes import Disconnect, DisconnectCode, ErrorCode, Refused, UnsubscribeCode
from openline.hub.commands.answer import Answer, fit, fit_publication, remaining
from openline.hub.commands.leaving import detach
from openline.hub.eager import call, wait_here
from openline.hub.permissions import may_subscribe
from openline.hub.publication import ClientInfo, HistoryOptions, Payload, StreamPosition
from openline.hub.recovery import Recovery, recover_cache, recover_stream
from openline.hub.results import Subscribe
from openline.hub.slow_consumer import size_of
from openline.hub.subprotocols.messages import SubscribeRequest, SubscribeResult
from openline.hub.subscription import Subscription
from openline.hub.values import to_info, to_optional_payload, to_value

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["Grant", "begin_subscription", "subscribe", "verify_subscription"]

_FLAG_GET_STATE = 2
"""In ``SubscribeRequest.flag``: the client has the state from elsewhere, and wants an error where it cannot recover."""


class Grant(NamedTuple):
    """On what terms somebody may subscribe.

    Attributes:
        info: Of the client in the channel.
        data: For the client, in the answer.
        expire_at: Seconds since 1970 when it ends unless it is refreshed; 0.0: never.
        override: Options of the channel that are different for this one.
    """

    info: Payload | None = None
    data: Payload | None = None
    expire_at: float = 0.0
    override: Mapping[str, bool] = {}

    @classmethod
    def of(cls, terms: Subscribe) -> Grant:
        """What the application said."""
        return cls(to_optional_payload(terms.info), to_optional_payload(terms.data), terms.expire_at or 0.0)


async def subscribe(session: Session, request: SubscribeRequest) -> Answer:
    """Let the client into a channel."""
    hub, channel = session.hub, request.channel
    if request.type or request.tf is not None:
        # Maps and shared polls; and a filter that was ignored would leak what it is to hold back.
        raise Refused(ErrorCode.NOT_AVAILABLE)
    options = hub.options_of(channel)
    if channel in session.subscriptions:
        raise Refused(ErrorCode.ALREADY_SUBSCRIBED)
    grant: Grant | None = None
    if request.token:
        claims = await verify_subscription(session, channel, request.token)
        grant = Grant(claims.info, claims.data, claims.expire_at, claims.override)
    elif may_subscribe(session, channel, options):
        grant = Grant()
    hook = hub.hooks_of(channel).get("subscribe")
    if hook is not None:
        answer: object = await call(hook, session, channel, to_value(request.data))
        if isinstance(answer, Subscribe):
            # What the hook says of a channel lets in, too, whom the options would not.
            grant = Grant.of(answer)
    if grant is None:
        raise Refused(ErrorCode.PERMISSION_DENIED)
    result, after = await begin_subscription(session, channel, grant, request)
    return Answer(result, after)


async def verify_subscription(session: Session, channel: str, token: str) -> SubscriptionClaims:
    """Verify a subscription token.

    Raises:
        Disconnect: 3500, it is another user's, channel's or client's.
        Refused: 103, it is none of ours; 109, it has expired; 100, its key cannot be fetched now.
    """
    verifier = session.hub.subscription_tokens
    if verifier is None:
        raise Refused(ErrorCode.PERMISSION_DENIED)
    try:
        answer = verifier.verify_subscription(token)
        claims = answer if isinstance(answer, SubscriptionClaims) else await wait_here(answer)
    except TokenExpired:
        raise Refused(ErrorCode.TOKEN_EXPIRED) from None
    except TokenInvalid as error:
        session.hub.note(session, f"subscription token for {channel!r} refused: {error}")
        raise Refused(ErrorCode.PERMISSION_DENIED) from None
    except KeysUnavailable:
        raise Refused(ErrorCode.INTERNAL) from None
    if claims.channel != channel or claims.user != session.user or claims.client not in ("", session.client):
        # Somebody else's.
        raise Disconnect(DisconnectCode.INVALID_TOKEN)
    return claims


async def begin_subscription(
    session: Session,
    name: str,
    grant: Grant,
    request: SubscribeRequest,
    *,
    server_side: bool = False,
    spent: int = 0,
) -> tuple[SubscribeResult, Callable[[], None]]:
    """Subscribe a session, which may, to a channel.

    Args:
        session: The session.
        name: The channel.
        grant: On what terms.
        request: Where the client was, and what it can do.
        server_side: It did not ask.
        spent: Bytes of what other subscriptions recover in the same answer.

    Returns:
        The result, and what is to be called once that is written.

    Raises:
        Refused: 102, 105, 106, 107, 112; 100, it was ended before it had begun.
        Disconnect: the session has ended.

    Cancel: safe; nothing of it is left.
    """
    hub = session.hub
    while (before := session.tidying(name)) is not None:
        # Or the end of an earlier subscription would take away the presence of this one.
        await asyncio.wait([before])
    if session.closed:
        raise Disconnect(DisconnectCode.CONNECTION_CLOSED)
    options = hub.options_of(name)
    if name in session.subscriptions:
        raise Refused(ErrorCode.ALREADY_SUBSCRIBED)
    if len(session.subscriptions) >= hub.options.max_channels:
        raise Refused(ErrorCode.LIMIT_EXCEEDED)
    info = ClientInfo(
        user=session.user, client=session.client, conn_info=session.info, chan_info=to_info(grant.info)
    )
    channel = hub.table.pin(name, options)
    if options.max_subscribers is not None and len(channel.subscriptions) >= options.max_subscribers:
        await hub.table.leave(channel)
        raise Refused(ErrorCode.LIMIT_EXCEEDED)
    subscription = Subscription(session, channel, info, server_side=server_side)
    subscription.begun = hub.loop.create_future()
    session.subscriptions[name] = subscription
    try:
        result, floor = await _enter(subscription, grant, request, spent)
        if session.closed:
            raise Disconnect(DisconnectCode.CONNECTION_CLOSED)
        if session.subscriptions.get(name) is not subscription:
            raise Refused(ErrorCode.INTERNAL)
    except BaseException:
        if detach(subscription):
            session.tidy_up(subscription, UnsubscribeCode.SERVER, UnsubscribeCode.SERVER.reason)
        raise
    finally:
        subscription.begun.set_result(None)
        subscription.begun = None
    subscription.admitted = True
    hub.counters.subscriptions += 1
    hub.watch_expiry(subscription)

    def after() -> None:
        if session.subscriptions.get(name) is subscription:
            channel.go_live(subscription, floor)
            if subscription.join_leave:
                subscription.announced = True
                hub.spawn(hub.announce_join(subscription))

    return result, after


async def _enter(
    subscription: Subscription, grant: Grant, request: SubscribeRequest, spent: int
) -> tuple[SubscribeResult, StreamPosition | None]:
    """Listen, read the stream, take part in presence; return the result, and the position that it stands for."""
    session, channel = subscription.session, subscription.channel
    hub, options = session.hub, channel.options
    stream = options.stream
    override = grant.override
    recoverable = stream is not None and override.get("recovery", options.recovery)
    subscription.positioned = recoverable or (
        stream is not None and override.get("positioned", options.positioned)
    )
    subscription.join_leave = override.get("join_leave", options.join_leave)
    subscription.delta = options.delta and request.delta == "fossil"
    subscription.expire_at = grant.expire_at
    channel.join(subscription)
    await hub.table.listen(channel)
    expires, ttl = remaining(grant.expire_at)
    result = SubscribeResult(
        expires=expires,
        ttl=ttl,
        recoverable=recoverable,
        positioned=subscription.positioned,
        data=fit(session, grant.data),
        delta=subscription.delta,
    )
    floor: StreamPosition | None = None
    if stream is not None and subscription.positioned:
        recovery, floor = await _read(subscription, request, stream, recoverable, spent)
        result.offset, result.epoch = recovery.position
        result.recovered = recovery.recovered
        result.was_recovering = request.recover
        if recovery.publications:
            result.publications = [
                fit_publication(session, one, delta=subscription.delta) for one in recovery.publications
            ]
    if override.get("presence", options.presence):
        subscription.present = True
        await hub.broker.add_presence(channel.name, session.client, subscription.info)
    return result, floor


async def _read(
    subscription: Subscription,
    request: SubscribeRequest,
    stream: HistoryOptions,
    recoverable: bool,
    spent: int,
) -> tuple[Recovery, StreamPosition]:
    """Return what the client has missed, and the top of the stream."""
    hub, name = subscription.session.hub, subscription.channel.name
    since = StreamPosition(request.offset, request.epoch) if request.recover else None
    if recoverable and subscription.channel.options.recovery_mode == "cache":
        newest, top = await hub.broker.history(name, history=stream, limit=1, reverse=True)
        recovery = recover_cache(since, newest[0] if newest else None, top)
        if since is not None:
            hub.counters.count_recovery(recovery.recovered)
        return recovery, top
    if since is None or not recoverable:
        _, top = await hub.broker.history(name, history=stream, limit=0)
        return Recovery(False, [], top), top
    most = hub.options.recovery_max_publications
    try:
        missed, top = await hub.broker.history(name, history=stream, limit=most + 1, since=since)
    except EpochChanged:
        missed, top = await hub.broker.history(name, history=stream, limit=0)
    recovery = recover_stream(
        since,
        missed,
        top,
        most=most,
        most_bytes=hub.options.recovery_max_size or hub.options.max_queue_size // 2,
    )
    if hub.options.recovery_max_size is None:
        # Also half of what is left: many channels that recover together must not end the session, which would come back
        # and do so again.
        left = (subscription.session.room - spent) // 2
        if sum(map(size_of, recovery.publications)) > left:
            recovery = Recovery(False, [], top)
    hub.counters.count_recovery(recovery.recovered)
    if not recovery.recovered and request.flag & _FLAG_GET_STATE:
        raise Refused(ErrorCode.UNRECOVERABLE_POSITION)
    return recovery, top
