"""uvicorn, in the loop of the test: a real server of ASGI, and what else is needed of one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

WAYS = ("wsproto", "websockets-sansio")
"""uvicorn's two implementations of WebSocket."""


class Server(uvicorn.Server):
    """Leaves the signals of the test run alone."""

    def install_signal_handlers(self) -> None: ...


@asynccontextmanager
async def under_uvicorn(app: Any, ws: Any = "wsproto", **options: Any) -> AsyncIterator[int]:
    """Serve an application on a port of 127.0.0.1 until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, ws=ws, log_config=None, timeout_graceful_shutdown=5, **options)
        server = Server(config)
        running = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started and not running.done():  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            if running.done():
                await running
                raise RuntimeError("uvicorn has not started")
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await running
