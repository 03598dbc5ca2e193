"""``rpc``: a question to the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openline.hub.codes import ErrorCode, Refused
from openline.hub.commands.answer import Answer, fit
from openline.hub.eager import call
from openline.hub.subprotocols.messages import RPCRequest, RPCResult
from openline.hub.values import to_value

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["rpc"]


async def rpc(session: Session, request: RPCRequest) -> Answer:
    """Call the handler of the method."""
    handlers = session.hub.rpc_handlers
    handler = handlers.get(request.method)
    if handler is None:
        raise Refused(ErrorCode.METHOD_NOT_FOUND if handlers else ErrorCode.NOT_AVAILABLE)
    answer = await call(handler, session, to_value(request.data))
    return Answer(RPCResult(fit(session, answer)))
