"""What a node does to its own sessions when it, or another node, is asked to."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from openline.hub.codes import Disconnect, DisconnectCode, ErrorCode, Refused
from openline.hub.commands.subscribing import Grant, begin_subscription
from openline.hub.publication import Payload
from openline.hub.server_side import describe_process, matches
from openline.hub.subprotocols.base import NotJSON
from openline.hub.subprotocols.messages import Push, RefreshPush, SubscribePush, SubscribeRequest
from openline.hub.values import to_info

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.session import Session
    from openline.hub.transports.base import EmulatedTransport

__all__ = ["Operations"]


class Operations:
    """Offers the operations of a hub to the nodes.

    Args:
        hub: The hub.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        for name in ("subscribe", "unsubscribe", "disconnect", "refresh", "channels", "info", "emulate"):
            hub.nodes.offer(name, getattr(self, f"_{name}"))

    def _sessions(self, params: dict[str, Any], *, connecting: bool = False) -> Iterable[Session]:
        """The sessions that are meant; those, too, that are about to be let in, where ``connecting`` says so."""
        user, client, secret = params["user"], params["client"], params["session"]
        if client or secret:
            session = self._hub.sessions.get(client) if client else self._hub.emulated.get(secret)
            found = [] if session is None or user not in ("", session.user) else [session]
        else:
            found = self._hub.users.of(user)
        return [session for session in found if session.admitted or (connecting and not session.closed)]

    async def _subscribe(self, params: dict[str, Any]) -> int:
        since = params["since"]
        request = SubscribeRequest(
            recover=since is not None,
            offset=since[0] if since else 0,
            epoch=since[1] if since else "",
        )
        grant = Grant(_payload(params["info"]), _payload(params["data"]), params["expire_at"])
        count = 0
        for session in self._sessions(params):
            try:
                result, after = await begin_subscription(
                    session, params["channel"], grant, request, server_side=True
                )
            except Refused as refusal:
                if refusal.code in _OF_ONE_SESSION:
                    continue
                raise
            except Disconnect:
                continue  # it has ended meanwhile
            except NotJSON:
                session.disconnect(DisconnectCode.INAPPROPRIATE_PROTOCOL)
                continue
            push = SubscribePush(
                recoverable=result.recoverable,
                epoch=result.epoch,
                offset=result.offset,
                positioned=result.positioned,
                data=result.data,
            )
            session.push(Push(channel=params["channel"], subscribe=push))
            for publication in result.publications or ():
                # The push of a subscription has no place for them.
                session.push(Push(channel=params["channel"], pub=publication))
            after()
            count += 1
        return count

    def _unsubscribe(self, params: dict[str, Any]) -> int:
        count = 0
        for session in self._sessions(params):
            subscription = session.subscriptions.get(params["channel"])
            if subscription is not None:
                session.end_subscription(subscription, params["code"], params["reason"])
                count += 1
        return count

    def _disconnect(self, params: dict[str, Any]) -> int:
        count = 0
        found = list(self._sessions(params, connecting=True))
        if not params["client"] and not params["session"]:
            found += self._hub.guests.of(params["user"])
        for session in found:
            if session.client not in params["whitelist"]:
                session.disconnect(params["code"], params["reason"])
                count += 1
        return count

    def _refresh(self, params: dict[str, Any]) -> int:
        count = 0
        for session in self._sessions(params):
            count += 1
            if params["expired"]:
                session.expire()
                continue
            if params["info"] is not None:
                session.info = to_info(params["info"])
                for subscription in session.subscriptions.values():
                    subscription.info.conn_info = session.info
            session.expire_at = params["expire_at"]
            self._hub.watch_expiry(session)
            expires = bool(session.expire_at)
            ttl = max(int(session.expire_at - time.time()), 1) if expires else 0
            session.push(Push(refresh=RefreshPush(expires=expires, ttl=ttl)))
        return count

    def _channels(self, params: dict[str, Any]) -> dict[str, int]:
        return {
            channel.name: len(channel.subscriptions)
            for channel in self._hub.table.all()
            if channel.subscriptions and matches(channel.name, params["pattern"])
        }

    def _info(self, params: dict[str, Any]) -> dict[str, Any]:
        hub = self._hub
        return {
            "uid": hub.node,
            "name": hub.name,
            "version": hub.version,
            "num_clients": len(hub.sessions),
            "num_users": len(hub.users),
            "num_subs": sum(len(channel.subscriptions) for channel in hub.table.all()),
            "num_channels": len(hub.table),
            "uptime": int(time.time() - hub.started_at),
            "process": describe_process(),
        }

    def _emulate(self, params: dict[str, Any]) -> bool:
        session = self._hub.emulated.get(params["session"])
        if session is None:
            return False
        cast("EmulatedTransport", session.transport).receive(params["frame"])
        return True


_OF_ONE_SESSION = (ErrorCode.ALREADY_SUBSCRIBED, ErrorCode.LIMIT_EXCEEDED, ErrorCode.INTERNAL)
"""Why one session is not subscribed, which means nothing for the user's others. The last: it was unsubscribed again."""


def _payload(data: bytes | None) -> Payload | None:
    return None if data is None else Payload(data)
