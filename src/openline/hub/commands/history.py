"""``history``: what was published in a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openline.hub.brokers.base import EpochChanged
from openline.hub.codes import ErrorCode, Refused
from openline.hub.commands.answer import Answer, fit_publication
from openline.hub.eager import call
from openline.hub.permissions import check_access
from openline.hub.publication import StreamPosition
from openline.hub.slow_consumer import size_of
from openline.hub.subprotocols.messages import HistoryRequest, HistoryResult

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["history"]


async def history(session: Session, request: HistoryRequest) -> Answer:
    """Answer a part of the stream, and its position."""
    hub, channel = session.hub, request.channel
    options = hub.options_of(channel)
    if options.stream is None:
        raise Refused(ErrorCode.NOT_AVAILABLE)
    check_access(session, channel, options.read_history)
    most = hub.options.history_max_limit
    limit = most if request.limit < 0 else min(request.limit, most)
    since = None if request.since is None else StreamPosition(request.since.offset, request.since.epoch)
    hook = hub.hooks_of(channel).get("history")
    if hook is not None:
        await call(hook, session, channel, limit, since, request.reverse)
    try:
        publications, top = await hub.broker.history(
            channel, history=options.stream, limit=limit, since=since, reverse=request.reverse
        )
    except EpochChanged:
        raise Refused(ErrorCode.UNRECOVERABLE_POSITION) from None
    left = session.room // 2
    for at, publication in enumerate(publications):
        left -= size_of(publication)
        if left < 0 and at:
            # More would end the session as a slow one. The client sees the offset of the top, and asks for the rest.
            del publications[at:]
            break
    return Answer(
        HistoryResult([fit_publication(session, one) for one in publications], top.epoch, top.offset)
    )
