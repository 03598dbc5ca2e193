"""``send``: a message that is not answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openline.hub.codes import Disconnect, DisconnectCode, Refused
from openline.hub.eager import call
from openline.hub.subprotocols.messages import SendRequest
from openline.hub.values import to_value

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["send"]


async def send(session: Session, request: SendRequest) -> None:
    """Give the message to ``on_message``. A refusal is counted, and nobody is told."""
    hook = session.hub.hooks.get("message")
    if hook is None:
        raise Disconnect(DisconnectCode.NOT_AVAILABLE)
    try:
        await call(hook, session, to_value(request.data))
    except Refused as refusal:
        session.hub.counters.count_error(refusal.code)
