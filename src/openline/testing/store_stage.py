"""Where the checks of a store play: a started store, and names that nobody else uses."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from openline.hub.stores.base import Store

__all__ = ["StoreStage"]


class StoreStage:
    """What a check gets.

    Args:
        make_store: Makes the stores.
        durable: What they keep outlives them.
    """

    def __init__(self, make_store: Callable[[], Store], *, durable: bool) -> None:
        self._make_store = make_store
        self.durable = durable
        self._stores: list[Store] = []
        self._run = secrets.token_hex(4)
        self._names = 0

    def unstarted(self) -> Store:
        """Make a store without starting it. It is closed after the check."""
        store = self._make_store()
        self._stores.append(store)
        return store

    async def store(self) -> Store:
        """Start a store. It is closed after the check."""
        store = self.unstarted()
        await store.start()
        return store

    def name(self, suffix: str = "") -> str:
        """Make up the name of a log or table that nobody has used."""
        self._names += 1
        return f"check:{self._run}-{self._names}{suffix}"

    async def close(self) -> None:
        """Close all stores."""
        for store in self._stores:
            await store.close()
