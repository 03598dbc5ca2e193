"""Live updates: a market that changes 20,000 times a second; each page gets the newest of what it looks at."""

from __future__ import annotations

import asyncio
import time

from openline.hub import Session
from openline.playground.application import Application
from openline.playground.pages.live_market import Market
from openline.playground.pages.live_match import Match
from openline.playground.pages.live_thin import ThinLine

CHANGES = 20_000  # a second, over 500 symbols
STEP = 0.01  # seconds


def install(app: Application) -> None:
    """Declare a channel for each symbol, of whose values the newest counts; and one with patches, for the match."""
    hub, market, match = app.hub, Market(), Match()
    newest = hub.namespace("market", slow_consumer="conflate", batch_delay=0.1, publish="nobody")
    scores = hub.namespace(
        "score",
        delta=True,
        history=1,
        ttl=60,
        recovery=True,
        recovery_mode="cache",
        publish="nobody",
    )
    watched: set[str] = set()  # channels that anybody looks at
    awake, playing = asyncio.Event(), asyncio.Event()

    @hub.rpc("market.symbols")
    def symbols(session: Session) -> object:
        return {"symbols": market.listing(), "changes": CHANGES}

    @hub.rpc("market.clock")
    def clock(session: Session) -> object:
        return time.time() * 1000

    @hub.rpc("market.meter")
    def meter(session: Session) -> object:
        return {"changes": market.changes, "at": time.monotonic(), "watched": len(watched)}

    @newest.on_occupied
    def look(channel: str) -> None:
        watched.add(channel)
        awake.set()

    @newest.on_vacated
    def look_away(channel: str) -> None:
        watched.discard(channel)
        if not watched:
            awake.clear()

    @app.job
    async def trade() -> None:
        """Move the market for as long as anybody looks; what was late is caught up, but not more than a second."""
        while True:
            await awake.wait()
            due = time.monotonic()
            while watched:
                steps = min(int((time.monotonic() - due) / STEP) + 1, 100)
                due = max(due + steps * STEP, time.monotonic() - 1)
                await hub.publish_many(market.move(int(CHANGES * STEP) * steps))
                await asyncio.sleep(due - time.monotonic())

    @app.job
    async def play() -> None:
        while True:
            await playing.wait()
            await hub.publish("score:final", match.play())
            await asyncio.sleep(1)

    scores.on_occupied(playing.set)
    scores.on_vacated(playing.clear)
    app.mount("/live/thin", lambda ws: ThinLine(hub, ws))
