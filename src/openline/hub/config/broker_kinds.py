"""Which options a broker takes, so that a configuration can be checked before the broker is there."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final

from openline.hub.urls import import_backend

__all__ = ["BROKERS", "broker_kinds"]


def _memory() -> Callable[..., Any]:
    from openline.hub.brokers.memory import MemoryBroker

    return MemoryBroker


def _sqlite() -> Callable[..., Any]:
    return import_backend("openline.hub.brokers.sqlite", "sqlite3", "hub").SQLiteBroker


def _redis() -> Callable[..., Any]:
    return import_backend("openline.hub.redis.options", "redis", "redis").RedisOptions


BROKERS: Final[Mapping[str, Callable[[], Callable[..., Any]]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "redis": _redis,
}
"""What takes the options, by the scheme's beginning; called, it is imported."""


def broker_kinds(url: str) -> dict[str, Any]:
    """Return the types of the options of the broker that a URL names.

    Raises:
        ValueError: there is no such broker.
        ImportError: the package that it needs is not installed.
    """
    scheme = url.partition("://")[0]
    for prefix, find in BROKERS.items():
        if scheme.startswith(prefix):
            signature = inspect.signature(find(), eval_str=True)
            return {
                name: one.annotation
                for name, one in signature.parameters.items()
                # Others are for programs, such as the clock of tests.
                if one.kind is one.KEYWORD_ONLY and typing.get_origin(one.annotation) is not Callable
            }
    raise ValueError("url must begin with memory://, sqlite:// or redis://")
