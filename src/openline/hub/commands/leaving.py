"""``unsubscribe``, and how every subscription ends."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from openline.hub.brokers.base import BrokerDown
from openline.hub.codes import UnsubscribeCode
from openline.hub.commands.answer import Answer
from openline.hub.eager import call
from openline.hub.subprotocols.messages import UnsubscribeRequest, UnsubscribeResult

if TYPE_CHECKING:
    from openline.hub.session import Session
    from openline.hub.subscription import Subscription

__all__ = ["detach", "end_subscription", "tidy_up", "unsubscribe"]

logger = logging.getLogger("openline.hub")


async def unsubscribe(session: Session, request: UnsubscribeRequest) -> Answer:
    """End a subscription that the client does not want any more; there need be none."""
    subscription = session.subscriptions.get(request.channel)
    if subscription is not None:
        await end_subscription(subscription, UnsubscribeCode.CLIENT, UnsubscribeCode.CLIENT.reason)
    return Answer(UnsubscribeResult())


async def end_subscription(subscription: Subscription, code: int, reason: str) -> None:
    """End a subscription: `detach` it, and `tidy_up`. Idempotent.

    Cancel: safe; tidying up goes on.
    """
    if detach(subscription):
        task = subscription.session.tidy_up(subscription, code, reason)
        if task is not None:
            await asyncio.wait([task])


def detach(subscription: Subscription) -> bool:
    """End a subscription such that nothing is sent any more; False: it had ended before. The caller owes
    `Session.tidy_up`."""
    session, channel = subscription.session, subscription.channel
    if session.subscriptions.get(channel.name) is not subscription:
        return False
    del session.subscriptions[channel.name]
    channel.leave(subscription)
    session.hub.unwatch_expiry(subscription)
    return True


async def tidy_up(subscription: Subscription, code: int, reason: str) -> None:
    """Do what follows the end of a subscription: presence, leave, ``on_unsubscribe``, the broker.

    What fails does not hinder the rest; at a broker that is out of reach presence fades by itself.
    """
    session, channel = subscription.session, subscription.channel
    hub = session.hub
    broker = hub.broker
    if subscription.begun is not None:
        # It has ended in the middle of its beginning: what that does is undone only when it is done.
        await asyncio.wait([subscription.begun])
    try:
        if subscription.present:
            await broker.remove_presence(channel.name, session.client)
        if subscription.announced:
            await broker.publish_leave(channel.name, subscription.info)
    except BrokerDown as error:
        hub.counters.broker_errors += 1
        logger.warning("%r could not be taken back: %s", subscription, error)
    except Exception:
        logger.exception("%r could not be taken back", subscription)
    if subscription.admitted:
        hook = hub.hooks_of(channel.name).get("unsubscribe")
        if hook is not None:
            try:
                await call(hook, session, channel.name, code, reason)
            except Exception:
                logger.exception("on_unsubscribe of %r failed", subscription)
    await hub.table.leave(channel)
