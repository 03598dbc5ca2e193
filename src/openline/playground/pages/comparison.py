"""The same stream of messages by polling, long polling, server-sent events and WebSocket.

Each technique runs in a server process of its own: the first three on uvicorn, the last on openline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openline import Listener, ServerConnection, broadcast
from openline.playground.comparison.run import Comparison

if TYPE_CHECKING:
    from openline.playground.application import Application
    from openline.playground.comparison.exchange import Counts, Exchange
    from openline.playground.comparison.stream import Stream

PATIENCE = 25.0  # seconds that a long poll waits; what stands between gives up after 30 or 60


def install(app: Application) -> None:
    comparison = Comparison(app.host, techniques=__name__)
    app.line("/lines/comparison", comparison.show)
    app.allow("/comparison", comparison.sources)
    app.job(comparison.run)


async def polling(stream: Stream, exchange: Exchange) -> None:
    """The client asks again and again. The answer is there at once, and mostly it is: nothing new."""
    await exchange.answer(stream.after(exchange.after))


async def long_polling(stream: Stream, exchange: Exchange) -> None:
    """The client asks, and the answer waits until there is something to say. Then the client asks again."""
    await exchange.answer(await stream.wait(exchange.after, PATIENCE))


async def server_sent_events(stream: Stream, exchange: Exchange) -> None:
    """The client asks once, and the answer never ends. When it breaks off, the browser says what it had last."""
    await exchange.begin_events()
    async for number, message in stream.follow(exchange.after):
        await exchange.event(number, message)


class WebSocket(Listener):
    """The client opens a line. Each message is a frame, made once for all."""

    def __init__(self, stream: Stream, counts: Counts) -> None:
        self.lines: set[ServerConnection] = set()
        self.stream = stream
        self.counts = counts
        stream.listen(self.send)

    def send(self, message: str) -> None:
        broadcast(self.lines, message)
        self.counts.delivered += len(self.lines)

    def on_open(self, ws: ServerConnection) -> None:
        self.lines.add(ws)
        self.counts.requests += 1

    def on_message(self, ws: ServerConnection, message: str | bytes) -> None:
        """A question, for once: what is the newest?"""
        ws.send_nowait(f"[{self.stream.after(0)[0][1]}]")

    def on_close(self, ws: ServerConnection, code: int, reason: str) -> None:
        self.lines.discard(ws)
