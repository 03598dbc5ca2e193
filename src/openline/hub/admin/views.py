"""What the admin page shows, as objects that can be encoded in JSON.

Lists are cut; their true lengths stand beside them. Counters, channels' subscriptions and sessions are those of this
node; channels' numbers, presence and history are of all.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from openline.hub.codes import DisconnectCode, ErrorCode, Refused
from openline.hub.counters import LATENCY_EDGES
from openline.hub.transports.api_methods import shown_client, shown_publication

if TYPE_CHECKING:
    from openline.hub.counters import Latencies
    from openline.hub.hub import Hub
    from openline.hub.session import Session

__all__ = ["MOST_ROWS", "channel", "channels", "overview", "session", "sessions"]

MOST_ROWS = 200
"""Rows of a list that are sent."""

_PUBLICATIONS = 20
"""Of a channel's newest that are shown."""

_COUNTERS = (
    "connections_opened",
    "subscriptions",
    "publications",
    "deliveries",
    "batched",
    "conflated",
    "overruns",
    "broker_errors",
    "recovered",
    "unrecovered",
)


def _percentile(latencies: Latencies, part: float) -> float | None:
    """The edge, in seconds, under which a part of all durations is; None: there were none, or it is beyond the last."""
    wanted, seen = latencies.count * part, 0
    for edge, number in zip(LATENCY_EDGES, latencies.buckets, strict=False):
        seen += number
        if seen and seen >= wanted:
            return edge
    return None


def _code(code: int, number: int, known: type[ErrorCode | DisconnectCode]) -> dict[str, Any]:
    try:
        row = known(code)
    except ValueError:
        text = "of the application"
    else:
        text = row.message if isinstance(row, ErrorCode) else row.reason
    return {"code": int(code), "text": text, "number": number}


async def overview(hub: Hub) -> dict[str, Any]:
    """Return the numbers of this node, and what each node says of itself."""
    counters = hub.counters
    transports: dict[str, int] = {}
    unsent = 0
    for one in hub.sessions.values():
        unsent += one.transport.unsent
        transports[one.transport.name] = transports.get(one.transport.name, 0) + 1
    return {
        "node": hub.node,
        "name": hub.name,
        "version": hub.version,
        "now": time.time(),
        "uptime": time.time() - hub.started_at if hub.started_at else 0.0,
        "draining": hub.draining,
        "insecure": hub.options.insecure,
        "sessions": len(hub.sessions),
        "users": len(hub.users),
        "channels": len(hub.table),
        "current_subscriptions": sum(len(one.subscriptions) for one in hub.table.all()),
        "unsent": unsent,
        "transports": transports,
        "counters": {name: getattr(counters, name) for name in _COUNTERS},
        "drops": counters.drops,
        "commands": counters.commands,
        "errors": [_code(code, number, ErrorCode) for code, number in sorted(counters.errors.items())],
        "disconnects": [
            _code(code, number, DisconnectCode) for code, number in sorted(counters.disconnects.items())
        ],
        "publish_p50": _percentile(counters.publish_latency, 0.5),
        "publish_p99": _percentile(counters.publish_latency, 0.99),
        "nodes": await hub.info(),
    }


async def channels(hub: Hub, pattern: str) -> dict[str, Any]:
    """Return the channels with the most subscribers, whose names hold a text or fit a pattern of the shell."""
    if pattern and not any(sign in pattern for sign in "*?["):
        pattern = f"*{pattern}*"
    counts = await hub.channels(pattern)
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_ROWS]
    return {"total": len(counts), "rows": [{"channel": name, "clients": number} for name, number in rows]}


async def channel(hub: Hub, name: str) -> dict[str, Any]:
    """Return what there is to say of a channel.

    Raises:
        Refused: its namespace is not known.
    """
    options = hub.options_of(name)
    here = hub.table.get(name)
    shown: dict[str, Any] = {
        "channel": name,
        "options": asdict(options),
        "clients_here": len(here.subscriptions) if here is not None else 0,
        "presence": None,
        "history": None,
    }
    if options.presence:
        presence = await hub.presence(name)
        clients, users = await hub.presence_stats(name)
        shown["presence"] = {
            "clients": clients,
            "users": users,
            "rows": [shown_client(info) for info in list(presence.values())[:MOST_ROWS]],
        }
    if options.history:
        publications, position = await hub.history(name, limit=_PUBLICATIONS, reverse=True)
        shown["history"] = {
            "offset": position.offset,
            "epoch": position.epoch,
            "rows": [shown_publication(publication) for publication in publications],
        }
    return shown


def _row(one: Session, now: float) -> dict[str, Any]:
    return {
        "client": one.client,
        "user": one.user,
        "transport": one.transport.name,
        "encoding": one.encoding,
        "address": one.transport.remote_address,
        "subscriptions": len(one.subscriptions),
        "unsent": one.transport.unsent,
        "age": max(now - one.connected_at, 0.0) if one.connected_at else 0.0,
    }


async def sessions(hub: Hub, text: str) -> dict[str, Any]:
    """Return this node's newest sessions whose user, client id or address begins with a text."""
    now = time.time()
    found = [
        one
        for one in hub.sessions.values()
        if not text
        or any(what.startswith(text) for what in (one.user, one.client, one.transport.remote_address))
    ]
    rows = [_row(one, now) for one in found[-MOST_ROWS:]]
    rows.reverse()  # they stand in the order in which they came
    return {"total": len(found), "rows": rows}


async def session(hub: Hub, client: str) -> dict[str, Any]:
    """Return what there is to say of one of this node's sessions; never its token, cookies or meta.

    Raises:
        Refused: there is no such session.
    """
    one = hub.sessions.get(client)
    if one is None:
        raise Refused(404, "there is no such session on this node")
    headers = one.request.headers
    return {
        **_row(one, time.time()),
        "name": one.name,
        "version": one.version,
        "connected_at": one.connected_at,
        "expire_at": one.expire_at,
        "reading_paused": one.reading_paused,
        "path": one.request.path.partition("?")[0],
        "user_agent": headers.get("User-Agent", ""),
        "origin": headers.get("Origin", ""),
        "channels": [
            {
                "channel": subscription.channel.name,
                "server_side": subscription.server_side,
                "positioned": subscription.positioned,
                "delta": subscription.delta,
                "waiting": subscription.channel.count_waiting(subscription),
                "expire_at": subscription.expire_at,
            }
            for subscription in list(one.subscriptions.values())[:MOST_ROWS]
        ],
    }
