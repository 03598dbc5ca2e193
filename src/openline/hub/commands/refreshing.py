"""``refresh`` and ``sub_refresh``: a new token before the old one has expired, or shortly after."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from openline.hub.codes import Disconnect, DisconnectCode, ErrorCode, Refused
from openline.hub.commands.answer import Answer, remaining
from openline.hub.commands.connecting import verify_connection
from openline.hub.commands.subscribing import verify_subscription
from openline.hub.eager import call
from openline.hub.results import Connect
from openline.hub.subprotocols.messages import (
    RefreshRequest,
    RefreshResult,
    SubRefreshRequest,
    SubRefreshResult,
)
from openline.hub.values import to_info

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["refresh", "sub_refresh"]


async def refresh(session: Session, request: RefreshRequest) -> Answer:
    """Let a connection live on. ``on_refresh`` decides where there is one, and hears of the token in any case."""
    hub = session.hub
    hook = hub.hooks.get("refresh")
    expire_at = session.expire_at
    if not request.token:
        raise Refused(ErrorCode.BAD_REQUEST)
    if hub.connection_tokens is not None:
        claims = await verify_connection(session, request.token)
        if claims.user != (session.user if session.claimed is None else session.claimed):
            raise Disconnect(DisconnectCode.INVALID_TOKEN)
        if claims.info is not None:
            session.info = to_info(claims.info)
        session.meta = claims.meta
        expire_at = claims.expire_at
    elif hook is None:
        raise Refused(ErrorCode.NOT_AVAILABLE)
    if hook is not None:
        answer: object = await call(hook, session, request.token)
        if isinstance(answer, Connect):
            if answer.info is not None:
                session.info = to_info(answer.info)
            if answer.expire_at is not None:
                expire_at = answer.expire_at
    if expire_at and expire_at <= time.time():
        raise Disconnect(DisconnectCode.EXPIRED)
    for subscription in session.subscriptions.values():
        subscription.info.conn_info = session.info
    session.expire_at = expire_at
    hub.watch_expiry(session)
    expires, ttl = remaining(expire_at)
    return Answer(RefreshResult(session.client, hub.version, expires, ttl))


async def sub_refresh(session: Session, request: SubRefreshRequest) -> Answer:
    """Let a subscription live on."""
    if not request.token or not request.channel:
        raise Refused(ErrorCode.BAD_REQUEST)
    subscription = session.subscriptions.get(request.channel)
    if subscription is None:
        raise Refused(ErrorCode.PERMISSION_DENIED)
    claims = await verify_subscription(session, request.channel, request.token)
    subscription.expire_at = claims.expire_at
    if claims.info is not None:
        subscription.info.chan_info = to_info(claims.info)
    session.hub.watch_expiry(subscription)
    return Answer(SubRefreshResult(*remaining(claims.expire_at)))
