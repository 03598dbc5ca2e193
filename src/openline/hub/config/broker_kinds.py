"""Which options a broker takes, so that a configuration can be checked before the broker is there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from openline.hub.urls import import_backend

__all__ = ["broker_kinds"]


def _memory() -> Callable[..., Any]:
    from openline.hub.brokers.memory import MemoryBroker

    return MemoryBroker


def _sqlite() -> Callable[..., Any]:
    return import_backend("openline.hub.brokers.sqlite", "sqlite3", "hub").SQLiteBroker


def _redis() -> Callable[..., Any]:
    return import_backend("openline.hub.redis.options", "redis", "redis").RedisOptions


def broker_kinds(url: str) -> dict[str, Any]:
    """Return the types of the options of the broker that a URL names.

    Raises:
        ValueError: there is no such broker.
        ImportError: the package that it needs is not installed.
    """
    scheme = url.partition("://")[0]
    for prefix, find in (("memory", _memory), ("sqlite", _sqlite), ("redis", _redis)):
        if scheme.startswith(prefix):
            signature = inspect.signature(find(), eval_str=True)
            return {
                name: one.annotation
                for name, one in signature.parameters.items()
                if one.kind is one.KEYWORD_ONLY and one.annotation in (bool, int, float, str)
            }
    raise ValueError("url must begin with memory://, sqlite:// or redis://")
