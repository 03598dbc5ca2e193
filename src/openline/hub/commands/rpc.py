"""``rpc``: a question to the application."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from openline.hub.codes import ErrorCode, Refused
from openline.hub.commands.answer import Answer, fit
from openline.hub.eager import finish, run
from openline.hub.first_step import Going
from openline.hub.subprotocols.messages import RPCRequest, RPCResult
from openline.hub.values import to_value

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["rpc"]


def rpc(session: Session, request: RPCRequest) -> Answer | Coroutine[Any, Any, Answer]:
    """Call the handler of the method; a coroutine only where that waits."""
    handlers = session.hub.rpc_handlers
    handler = handlers.get(request.method)
    if handler is None:
        raise Refused(ErrorCode.METHOD_NOT_FOUND if handlers else ErrorCode.NOT_AVAILABLE)
    answer: Any = run(handler(session, to_value(request.data)), session.hub.loop)
    if isinstance(answer, Going):
        return _wait(session, cast("Going[Any]", answer))
    return Answer(RPCResult(fit(session, answer)))


async def _wait(session: Session, answer: Going[Any]) -> Answer:
    return Answer(RPCResult(fit(session, await finish(answer))))
