"""``publish``: a client's publication."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from openline.hub.codes import ErrorCode, Refused
from openline.hub.commands.answer import Answer
from openline.hub.eager import call
from openline.hub.permissions import check_access
from openline.hub.publication import ClientInfo
from openline.hub.rate import Allowance
from openline.hub.results import Publish
from openline.hub.subprotocols.messages import PublishRequest, PublishResult
from openline.hub.values import to_value

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["publish"]


async def publish(session: Session, request: PublishRequest) -> Answer:
    """Check it, ask ``on_publish``, and publish."""
    hub, channel = session.hub, request.channel
    options = hub.options_of(channel)
    if request.type or request.removed:
        raise Refused(ErrorCode.NOT_AVAILABLE)
    if request.data is None:
        raise Refused(ErrorCode.BAD_REQUEST)
    if len(request.data) + len(request.key) > hub.options.max_publication_size:
        raise Refused(ErrorCode.LIMIT_EXCEEDED)
    check_access(session, channel, options.publish)
    subscription = session.subscriptions.get(channel)
    if options.publish_rate is not None:
        _check_rate(session, channel, options.publish_rate)
    data: Any = request.data
    extra: dict[str, Any] = {"key": request.key} if request.key else {}
    hook = hub.hooks_of(channel).get("publish")
    if hook is not None:
        answer: object = await call(hook, session, channel, to_value(request.data))
        if isinstance(answer, Publish):
            data = answer.data
            extra = {
                "tags": answer.tags,
                "key": answer.key or request.key,
                "idempotency_key": answer.idempotency_key,
                "skip_history": answer.skip_history,
            }
        elif answer is not None:
            data = answer
    info = (
        subscription.info
        if subscription is not None
        else ClientInfo(user=session.user, client=session.client, conn_info=session.info)
    )
    await hub.publish(channel, data, info=info, **extra)
    return Answer(PublishResult())


def _check_rate(session: Session, channel: str, rate: float) -> None:
    now = time.monotonic()
    allowances = session.allowances
    if allowances is None:
        allowances = session.allowances = {}
    allowance = allowances.get(channel)
    if allowance is None:
        if len(allowances) >= session.hub.options.max_channels:
            # Who publishes in ever new channels: what is whole again is as good as none.
            for name in [name for name, one in allowances.items() if one.is_whole(now)]:
                del allowances[name]
            if len(allowances) >= session.hub.options.max_channels:
                raise Refused(ErrorCode.TOO_MANY_REQUESTS)
        allowance = allowances[channel] = Allowance(rate, now)
    if not allowance.take(now):
        raise Refused(ErrorCode.TOO_MANY_REQUESTS)
