"""A server of one technique in the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from openline import Server
from openline.playground.comparison.serving import make

MODULE = "openline.playground.pages.comparison"


@asynccontextmanager
async def serving(technique: str, page_port: int = 8000) -> AsyncIterator[tuple[Any, int]]:
    """Gives the role and its port. The stream holds one message, and its clock stands."""
    role = make(technique, MODULE, page_port)
    started = await role.start()
    try:
        yield role, started["port"]
    finally:
        await stop(role)


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait for what comes from another process, which tells nobody here."""
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)


async def stop(role: Any) -> None:
    """End a server that in real life ends with its process."""
    role._stream.stop()
    role._stream.put()  # long polls that wait end
    running = role._running
    if isinstance(running, Server):
        running.close()
        await running.wait_closed()
    else:
        role._uvicorn.force_exit = True
        role._uvicorn.should_exit = True
        await asyncio.wait([running])
