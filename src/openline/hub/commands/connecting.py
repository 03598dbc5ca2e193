"""``connect``: who is it, and may he in?"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import TYPE_CHECKING

from openline.hub.auth.tokens import ConnectionClaims, KeysUnavailable, TokenExpired, TokenInvalid
from openline.hub.codes import Disconnect, DisconnectCode, ErrorCode, Refused, Unauthorized
from openline.hub.commands.answer import Answer, fit, remaining
from openline.hub.commands.subscribing import Grant, begin_subscription
from openline.hub.eager import wait_here
from openline.hub.namespace import is_plain
from openline.hub.results import Connect, Subscribe
from openline.hub.slow_consumer import size_of
from openline.hub.subprotocols.messages import (
    ConnectRequest,
    ConnectResult,
    SubscribeRequest,
    SubscribeResult,
)
from openline.hub.values import to_info, to_value

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["connect", "identify", "verify_connection"]

_NAME_LENGTH = 64  # of what a client may call itself; it is kept, and shown to admins


async def connect(session: Session, request: ConnectRequest) -> Answer:
    """Let the client in, with the channels that the server subscribes it to."""
    hub = session.hub
    session.begin_connecting()
    session.name = request.name[:_NAME_LENGTH]
    session.version = request.version[:_NAME_LENGTH]
    if hub.draining:
        raise Disconnect(DisconnectCode.SHUTDOWN)
    if hub.options.max_sessions is not None and len(hub.sessions) >= hub.options.max_sessions:
        raise Disconnect(DisconnectCode.CONNECTION_LIMIT)
    terms, grants = await identify(session, request)
    session.check_open()
    if hub.options.user_personal_channel and is_plain(session.user):
        grants.setdefault(f"#{session.user}", Grant())
    hub.admit(session)
    subs, afters = await _subscribe(session, grants, request.subs or {})
    session.connected()
    expires, ttl = remaining(session.expire_at)
    hub.watch_expiry(session)
    result = ConnectResult(
        client=session.client,
        version=hub.version,
        expires=expires,
        ttl=ttl,
        data=fit(session, terms.data),
        subs=subs or None,
        ping=max(round(hub.options.ping_interval), 1),
        pong=True,
        time=int(time.time() * 1000),
    )
    if session.transport.emulated:
        result.session, result.node = session.secret, hub.node

    def after() -> None:
        for go_live in afters:
            go_live()

    return Answer(result, after)


async def identify(session: Session, request: ConnectRequest) -> tuple[Connect, dict[str, Grant]]:
    """Find out who it is; set that on the session, and return what else was said.

    Raises:
        Refused, Disconnect: nobody who may come in.
    """
    hub = session.hub
    grants: dict[str, Grant] = {}
    hook = hub.hooks.get("connect")
    # What an earlier connect has said, which was refused, counts for nothing.
    session.user, session.info, session.meta, session.expire_at = "", None, {}, 0.0
    session.claimed = None
    if request.token and hub.connection_tokens is not None:
        claims = await verify_connection(session, request.token)
        session.user, session.info, session.meta = claims.user, to_info(claims.info), claims.meta
        session.claimed = claims.user
        session.expire_at = claims.expire_at
        for name, sub in claims.subs.items():
            grants[name] = Grant(sub.info, sub.data, 0.0, sub.override)
    elif hook is None and not hub.options.insecure:
        raise Unauthorized
    elif hub.connection_tokens is None:
        session.token = request.token
    terms = Connect()
    if hook is not None:
        answer: object = hook(session, to_value(request.data))
        if isawaitable(answer):
            answer = await wait_here(_greeted(session, answer))
        else:
            session.greet()
        session.token = ""
        if isinstance(answer, Connect):
            terms = answer
        elif isinstance(answer, (str, int)) and not isinstance(answer, bool):
            terms = Connect(user=str(answer))
        elif answer is not None:
            raise TypeError(f"on_connect must return None, a user id or a Connect, not {answer!r}")
    else:
        session.greet()
        session.token = ""
    if terms.user is not None:
        session.user = str(terms.user)
    if terms.info is not None:
        session.info = to_info(terms.info)
    if terms.expire_at is not None:
        session.expire_at = terms.expire_at
    subs = terms.subs if isinstance(terms.subs, Mapping) else dict.fromkeys(terms.subs, Subscribe())
    for name, sub in subs.items():
        grants[name] = Grant.of(sub)
    return terms, grants


async def _greeted(session: Session, answer: Awaitable[object]) -> object:
    """Take note that ``on_connect`` has returned at once: the session may be ended in the very turn of the loop."""
    said = await answer
    session.greet()
    return said


async def verify_connection(session: Session, token: str) -> ConnectionClaims:
    """Verify a connection token.

    Raises:
        Disconnect: 3500, it is none of ours.
        Refused: 109, it has expired; 100, its key cannot be fetched now.
    """
    verifier = session.hub.connection_tokens
    if verifier is None:
        raise Disconnect(DisconnectCode.INVALID_TOKEN)
    try:
        answer = verifier.verify_connection(token)
        return answer if isinstance(answer, ConnectionClaims) else await wait_here(answer)
    except TokenExpired:
        raise Refused(ErrorCode.TOKEN_EXPIRED) from None
    except TokenInvalid as error:
        session.hub.note(session, f"token refused: {error}")
        raise Disconnect(DisconnectCode.INVALID_TOKEN) from None
    except KeysUnavailable:
        raise Refused(ErrorCode.INTERNAL) from None


async def _subscribe(
    session: Session, grants: dict[str, Grant], known: dict[str, SubscribeRequest]
) -> tuple[dict[str, SubscribeResult], list[Callable[[], None]]]:
    """Make the server-side subscriptions; where the client was before, it recovers."""
    results: dict[str, SubscribeResult] = {}
    afters: list[Callable[[], None]] = []
    spent = 0
    for name, grant in grants.items():
        result, after = await begin_subscription(
            session, name, grant, known.get(name) or SubscribeRequest(), server_side=True, spent=spent
        )
        results[name] = result
        spent += sum(map(size_of, result.publications or ()))
        afters.append(after)
    return results, afters
