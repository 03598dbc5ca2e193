"""``presence`` and ``presence_stats``: who is in a channel, and how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openline.hub.codes import ErrorCode, Refused
from openline.hub.commands.answer import Answer
from openline.hub.eager import call
from openline.hub.permissions import check_access
from openline.hub.subprotocols.messages import (
    PresenceRequest,
    PresenceResult,
    PresenceStatsRequest,
    PresenceStatsResult,
)

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["presence", "presence_stats"]


async def presence(session: Session, request: PresenceRequest) -> Answer:
    """Answer who is there, by client id."""
    await _check(session, request.channel)
    entries = await session.hub.broker.presence(request.channel)
    return Answer(PresenceResult(dict(entries)))


async def presence_stats(session: Session, request: PresenceStatsRequest) -> Answer:
    """Answer how many are there."""
    await _check(session, request.channel)
    return Answer(PresenceStatsResult(*await session.hub.broker.presence_stats(request.channel)))


async def _check(session: Session, channel: str) -> None:
    options = session.hub.options_of(channel)
    if not options.presence:
        raise Refused(ErrorCode.NOT_AVAILABLE)
    check_access(session, channel, options.read_presence)
    hook = session.hub.hooks_of(channel).get("presence")
    if hook is not None:
        await call(hook, session, channel)
