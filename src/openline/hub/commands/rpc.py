"""``rpc``: a question to the application."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any

from openline.hub.codes import ErrorCode, Refused
from openline.hub.commands.answer import Answer, fit
from openline.hub.eager import is_awaitable, wait_here
from openline.hub.subprotocols.messages import RPCRequest, RPCResult
from openline.hub.values import to_value

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["rpc"]


def rpc(session: Session, request: RPCRequest) -> Answer | Coroutine[Any, Any, Answer]:
    """Call the handler of the method; a coroutine only where that is one."""
    handlers = session.hub.rpc_handlers
    handler = handlers.get(request.method)
    if handler is None:
        raise Refused(ErrorCode.METHOD_NOT_FOUND if handlers else ErrorCode.NOT_AVAILABLE)
    answer = handler(session, to_value(request.data))
    if is_awaitable(answer):
        return _wait(session, answer)
    return Answer(RPCResult(fit(session, answer)))


async def _wait(session: Session, answer: Awaitable[Any]) -> Answer:
    return Answer(RPCResult(fit(session, await wait_here(answer))))
