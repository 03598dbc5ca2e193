"""What happens to the messages of a connection: echo and broadcast."""

from __future__ import annotations

from openline import ServerConnection, broadcast


async def echo(ws: ServerConnection) -> None:
    """Send each message back."""
    async for message in ws:
        await ws.send(message)


class Broadcaster:
    """Sends each message to all the other connections.

    A connection that cannot keep up is not waited for; `openline.serve`'s ``max_unsent`` bounds what is queued
    for it.
    """

    def __init__(self) -> None:
        self._connections: set[ServerConnection] = set()

    async def __call__(self, ws: ServerConnection) -> None:
        self._connections.add(ws)
        try:
            async for message in ws:
                broadcast(self._connections - {ws}, message)
        finally:
            self._connections.discard(ws)
