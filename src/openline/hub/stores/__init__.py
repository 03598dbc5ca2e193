"""What keeps things that outlive channels: one contract, several stores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openline.hub.stores.base import Store
from openline.hub.urls import import_backend, refuse_rest, scheme_of, sqlite_path

__all__ = ["open_store"]


def open_store(url: str, **options: Any) -> Store:
    """Make the store of a URL; it is not started yet.

    Only the module of that store is imported.

    Args:
        url: Of the same kinds as for `openline.hub.brokers.open_broker`; a broker and a store may have the same one.
        options: Arguments of the store.

    Raises:
        ValueError: The URL is not known, or not right.
        ImportError: The package that it needs is not installed; names the extra that brings it.
    """
    return _OPENERS[scheme_of(url, _OPENERS, "store")](url, options)


def _memory(url: str, options: dict[str, Any]) -> Store:
    from openline.hub.stores.memory import MemoryStore

    refuse_rest(url)
    return MemoryStore(**options)


def _sqlite(url: str, options: dict[str, Any]) -> Store:
    from openline.hub.stores.sqlite import SQLiteStore

    return SQLiteStore(sqlite_path(url), **options)


def _redis(url: str, options: dict[str, Any]) -> Store:
    module = import_backend("openline.hub.stores.redis", "redis", "redis")
    store: Store = module.RedisStore(url, **options)
    return store


_OPENERS: dict[str, Callable[[str, dict[str, Any]], Store]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "redis": _redis,
    "rediss": _redis,
    "redis+unix": _redis,
    "redis+sentinel": _redis,
    "redis+cluster": _redis,
}
