"""The native engine of a loop: where its lines come from."""

from __future__ import annotations

import asyncio
import socket
import ssl as ssl_module
from collections.abc import Callable
from typing import Any, Literal

from openline.engine.native.acceptor import Acceptor
from openline.engine.native.line import Line
from openline.engine.native.reactor import reactor_of

__all__ = ["NativeEngine"]

# Seconds; as asyncio's.
TLS_HANDSHAKE_TIMEOUT = 60.0


class NativeEngine:
    """See `openline.engine.base.Engine`."""

    name: Literal["native"] = "native"
    line_class = Line
    fan_out = staticmethod(Line.fan_out)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def listen(
        self,
        sock: socket.socket,
        factory: Callable[[], Any],
        *,
        ssl: ssl_module.SSLContext | None = None,
        backlog: int = 100,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> Acceptor:
        """See `openline.engine.base.Engine.listen`. ``ssl_shutdown_timeout`` is bounded by ``close_timeout`` here."""
        sock.setblocking(False)
        sock.listen(backlog)
        return Acceptor(reactor_of(self._loop), sock, factory, ssl, _timeout(ssl_handshake_timeout))

    async def adopt(
        self,
        sock: socket.socket,
        line: Any,
        *,
        ssl: ssl_module.SSLContext | None = None,
        server_side: bool = False,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> None:
        """See `openline.engine.base.Engine.adopt`."""
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ssl is not None and not server_side and not server_hostname and ssl.check_hostname:
            sock.close()
            raise ValueError("server_hostname is needed to check the certificate")
        Line.attach(line, reactor_of(self._loop), sock.detach())
        if ssl is not None:
            established = self._loop.create_future()

            def ended(error: Exception | None) -> None:
                if established.done():
                    return
                if error is None:
                    established.set_result(None)
                else:
                    established.set_exception(error)

            line.set_deadline(_timeout(ssl_handshake_timeout))
            line.start_tls(
                ssl, server_side=server_side, server_hostname=server_hostname or None, established=ended
            )
            try:
                await established
            except BaseException:
                line.abort()
                raise
            line.set_deadline(None)
        line._connection_made()


def _timeout(seconds: float | None) -> float:
    return TLS_HANDSHAKE_TIMEOUT if seconds is None else seconds
