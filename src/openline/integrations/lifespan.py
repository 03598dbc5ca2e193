"""Starting and closing a hub by the lifespan events of ASGI, and handing these on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.integrations.asgi_http import Receive, Scope, Send

__all__ = ["Lifespan"]

logger = logging.getLogger("openline.hub")

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Lifespan:
    """The hub starts before the other application and closes after it: what that does at either end may use the hub.

    Args:
        hub: The hub.
        other: The other application; None: there is none.
    """

    def __init__(self, hub: Hub, other: Application | None) -> None:
        self._hub = hub
        self._other = other

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the ``lifespan`` scope."""
        other = None if self._other is None else _Other(self._other, scope)
        await receive()  # lifespan.startup
        try:
            await self._hub.start()
            if other is not None:
                await other.tell("startup")
        except Exception as error:
            logger.exception("the hub's application cannot start")
            await self._hub.close()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
        failure = ""
        try:
            if other is not None:
                await other.tell("shutdown")
        except Exception as error:
            logger.exception("the application beside the hub cannot shut down")
            failure = str(error)
        await self._hub.close()
        if failure:
            await send({"type": "lifespan.shutdown.failed", "message": failure})
        else:
            await send({"type": "lifespan.shutdown.complete"})


class _Other:
    """The other application's lifespan; one that knows of none, as Django's, ends or raises at once, which is fine."""

    def __init__(self, application: Application, scope: Scope) -> None:
        self._to_it: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_it: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._running = asyncio.ensure_future(self._run(application, scope))

    async def _run(self, application: Application, scope: Scope) -> None:
        try:
            await application(scope, self._to_it.get, self._from_it.put)
        except Exception as error:
            # ASGI: an application that raises does not support the protocol, and is served all the same.
            logger.debug("the application beside the hub has no lifespan: %r", error)

    async def tell(self, what: str) -> None:
        """Tell it of startup or shutdown, and wait until it is ready.

        Raises:
            RuntimeError: it says that it failed.
        """
        if self._running.done():
            return
        self._to_it.put_nowait({"type": f"lifespan.{what}"})
        answer = asyncio.ensure_future(self._from_it.get())
        try:
            await asyncio.wait((answer, self._running), return_when=asyncio.FIRST_COMPLETED)
            # It may have answered and ended in one go.
            if not answer.done() and not self._from_it.empty():
                await answer
        finally:
            if not answer.done():
                answer.cancel()
        if answer.done() and not answer.cancelled() and answer.result()["type"].endswith(".failed"):
            raise RuntimeError(answer.result().get("message") or f"{what} failed")
        if what == "shutdown":
            await asyncio.wait((self._running,), timeout=1.0)
            self._running.cancel()
