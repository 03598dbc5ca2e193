"""The chat's server code on a hub of its own, and visitors who speak the client protocol with it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openline.hub import Connect, Hub
from openline.hub.stores import open_store
from openline.hub.stores.base import Store
from openline.playground.application import Application
from openline.playground.pages import chat
from tests.hub.conformance.wire import Wire, connected, serving

LOBBY, HERE = "chat:lobby", "chat-here:lobby"


@asynccontextmanager
async def chatting(store: Store | None = None, jobs: bool = False) -> AsyncIterator[tuple[str, Hub]]:
    """Serve the chat; gives the address of its hub's WebSocket, and the hub.

    Args:
        store: Where read marks are kept. None: in memory.
        jobs: Whether the bots speak.
    """
    hub = Hub()
    hub.on_connect(lambda session, data: Connect(user=data["user"], info={"name": data["user"], "color": 1}))
    store = store or open_store("memory://")
    await store.start()
    app = Application(hub, store)
    chat.install(app)
    async with serving(hub) as address:
        if jobs:
            app.begin()
        yield address, hub
        await app.end()
    await store.close()


class Visitor:
    """Somebody in the lobby."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._keys = itertools.count(1)

    def key(self) -> str:
        """A key for something new."""
        return f"{self.wire.client[:8]}{next(self._keys):08}"

    async def act(self, kind: str, channel: str = LOBBY, **fields: Any) -> dict[str, Any]:
        """Do something in a room; returns the reply."""
        data = {"type": kind, "key": fields.pop("key", None) or self.key(), **fields}
        return await self.wire.ask(publish={"channel": channel, "data": data})

    async def say(self, text: str, **fields: Any) -> str:
        """Say something; returns the key."""
        key = fields.pop("key", None) or self.key()
        assert await self.act("message", key=key, text=text, **fields) == {"publish": {}}
        return key

    async def hear(self, channel: str = LOBBY) -> dict[str, Any]:
        """The next thing that is published in a channel; what comes and goes elsewhere is passed over."""
        while True:
            push = (await self.wire.next()).get("push", {})
            if push.get("channel") == channel and "pub" in push:
                return push["pub"]["data"]

    async def history(self, channel: str = LOBBY) -> list[dict[str, Any]]:
        """All that the room remembers."""
        result = await self.wire.result(history={"channel": channel, "limit": -1})
        return [one["data"] for one in result.get("publications", [])]


@asynccontextmanager
async def visiting(address: str, user: str, here: bool = False) -> AsyncIterator[Visitor]:
    """Come as this user, and follow the lobby; ``here``: have it open, too."""
    async with connected(address, "json", user) as wire:
        await wire.subscribe(LOBBY)
        if here:
            await wire.subscribe(HERE)
        yield Visitor(wire)
