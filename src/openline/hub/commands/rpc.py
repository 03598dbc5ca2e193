"""``rpc``: a question to the application."""

from __future__ import annotations

from collections.abc import Coroutine
from types import CoroutineType
from typing import TYPE_CHECKING, Any, cast

from openline.hub.codes import ErrorCode, Refused
from openline.hub.commands.answer import MADE_HERE, Answer, fit
from openline.hub.eager import PLAIN, finish, run
from openline.hub.first_step import Going, begin
from openline.hub.subprotocols.messages import CallRequest, RPCRequest, RPCResult
from openline.hub.values import to_value

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["rpc"]


def rpc(session: Session, request: RPCRequest | CallRequest) -> Answer | Coroutine[Any, Any, Answer]:
    """Call the handler of the method; a coroutine only where that waits."""
    handlers = session.hub.rpc_handlers
    handler = handlers.get(request.method)
    if handler is None:
        raise Refused(ErrorCode.METHOD_NOT_FOUND if handlers else ErrorCode.NOT_AVAILABLE)
    data = request.data if request.__class__ is CallRequest else to_value(request.data)
    answer: Any = handler(session, data)
    if answer.__class__ not in PLAIN:
        loop = session.hub.loop
        answer = begin(answer, loop) if answer.__class__ is CoroutineType else run(answer, loop)
        if answer.__class__ is Going:
            return _wait(session, cast("Going[Any]", answer))
    return _answer(session, answer)


def _answer(session: Session, value: Any) -> Answer:
    if value.__class__ in MADE_HERE and session.subprotocol.takes_values:
        return Answer(RPCResult(value))  # encoded with the reply
    return Answer(RPCResult(fit(session, value)))


async def _wait(session: Session, answer: Going[Any]) -> Answer:
    return _answer(session, await finish(answer))
