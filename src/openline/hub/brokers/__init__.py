"""What carries publications between nodes, and remembers them: one contract, several brokers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openline.hub.brokers.base import Broker
from openline.hub.urls import import_backend, refuse_rest, scheme_of, sqlite_path

__all__ = ["open_broker"]


def open_broker(url: str, **options: Any) -> Broker:
    """Make the broker of a URL; it is not started yet.

    Only the module of that broker is imported.

    Args:
        url: ``memory://``, ``sqlite:///file``, ``redis://…``, ``rediss://…``, ``redis+unix://…``,
            ``redis+sentinel://…`` or ``redis+cluster://…``.
        options: Arguments of the broker.

    Raises:
        ValueError: The URL is not known, or not right.
        ImportError: The package that it needs is not installed; names the extra that brings it.
    """
    return _OPENERS[scheme_of(url, _OPENERS, "broker")](url, options)


def _memory(url: str, options: dict[str, Any]) -> Broker:
    from openline.hub.brokers.memory import MemoryBroker

    refuse_rest(url)
    return MemoryBroker(**options)


def _sqlite(url: str, options: dict[str, Any]) -> Broker:
    from openline.hub.brokers.sqlite import SQLiteBroker

    return SQLiteBroker(sqlite_path(url), **options)


def _redis(url: str, options: dict[str, Any]) -> Broker:
    module = import_backend("openline.hub.brokers.redis", "redis", "redis")
    broker: Broker = module.RedisBroker(url, **options)
    return broker


_OPENERS: dict[str, Callable[[str, dict[str, Any]], Broker]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "redis": _redis,
    "rediss": _redis,
    "redis+unix": _redis,
    "redis+sentinel": _redis,
    "redis+cluster": _redis,
}
