"""``send``: a message that is not answered."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from openline.hub.codes import Disconnect, DisconnectCode, Refused
from openline.hub.eager import PLAIN, finish, run
from openline.hub.first_step import Going
from openline.hub.subprotocols.messages import SendRequest
from openline.hub.values import to_value

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["send"]


def send(session: Session, request: SendRequest) -> Coroutine[Any, Any, None] | None:
    """Give the message to ``on_message``; a coroutine only where that waits. A refusal is counted; nobody is told."""
    hook = session.hub.hooks.get("message")
    if hook is None:
        raise Disconnect(DisconnectCode.NOT_AVAILABLE)
    try:
        answer: Any = hook(session, to_value(request.data))
        if answer.__class__ not in PLAIN:
            answer = run(answer, session.hub.loop)
            if isinstance(answer, Going):
                return _wait(session, cast("Going[Any]", answer))
    except Refused as refusal:
        session.hub.counters.count_error(refusal.code)
    return None


async def _wait(session: Session, answer: Going[Any]) -> None:
    try:
        await finish(answer)
    except Refused as refusal:
        session.hub.counters.count_error(refusal.code)
