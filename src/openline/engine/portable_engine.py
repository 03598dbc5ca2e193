"""Where portable lines come from: listening sockets, and sockets that are connected already."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl as ssl_module
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from openline.engine.portable import Line

__all__ = ["Acceptor", "PortableEngine"]

_logger = logging.getLogger("openline.engine")

_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

# Seconds until accepting is tried again when there were no descriptors; as asyncio has it.
_ACCEPT_RETRY = 1.0


class Acceptor:
    """A listening socket of the portable engine."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        attach: Callable[[socket.socket], Coroutine[Any, Any, object]],
    ) -> None:
        self._loop = loop
        self._sock = sock
        # The loop forgets a descriptor that it waits on one turn after it was told to: until then this one is open.
        self._listening = sock.dup()
        self._attach = attach
        self._attaching: set[asyncio.Task[object]] = set()
        self._task = loop.create_task(self._accept())
        self._task.add_done_callback(lambda _: self._listening.close())

    async def _accept(self) -> None:
        exhausted = False
        while True:
            try:
                sock, _ = await self._loop.sock_accept(self._listening)
            except OSError as error:
                if error.errno == errno.EINVAL:
                    # It listens no more: this error would come for ever, and at once.
                    _logger.error("the listening socket was shut down; no connections can be accepted")
                    return
                # Others concern one connection, which has failed before it was accepted.
                if error.errno in _OUT_OF_DESCRIPTORS:
                    if not exhausted:
                        _logger.error("no connections can be accepted for now: %s", error)
                    exhausted = True
                    await asyncio.sleep(_ACCEPT_RETRY)
                continue
            if exhausted:
                _logger.info("connections can be accepted again")
                exhausted = False
            task = self._loop.create_task(self._attach(sock))
            self._attaching.add(task)
            task.add_done_callback(self._attached)

    def _attached(self, task: asyncio.Task[object]) -> None:
        self._attaching.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.info("connection failed before it began: %s", error)

    def close(self) -> None:
        """See `openline.engine.base.Acceptor`."""
        self._task.cancel()
        self._sock.close()


class PortableEngine:
    """See `openline.engine.base.Engine`."""

    name: Literal["portable"] = "portable"
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
        """See `openline.engine.base.Engine.listen`."""
        sock.setblocking(False)
        sock.listen(backlog)

        async def attach(accepted: socket.socket) -> None:
            await self.adopt(
                accepted,
                factory(),
                ssl=ssl,
                server_side=True,
                ssl_handshake_timeout=ssl_handshake_timeout,
                ssl_shutdown_timeout=ssl_shutdown_timeout,
            )

        return Acceptor(self._loop, sock, attach)

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
        # As asyncio has it, they may only be given together with TLS.
        handshake_timeout = None if ssl is None else ssl_handshake_timeout
        shutdown_timeout = None if ssl is None else ssl_shutdown_timeout
        try:
            if server_side:
                await self._loop.connect_accepted_socket(
                    lambda: line,
                    sock,
                    ssl=ssl,
                    ssl_handshake_timeout=handshake_timeout,
                    ssl_shutdown_timeout=shutdown_timeout,
                )
            else:
                await self._loop.create_connection(
                    lambda: line,
                    sock=sock,
                    ssl=ssl,
                    server_hostname=None if ssl is None else server_hostname or "",
                    ssl_handshake_timeout=handshake_timeout,
                    ssl_shutdown_timeout=shutdown_timeout,
                )
        except BaseException:
            sock.close()
            raise
