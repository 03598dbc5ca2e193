"""The hub for threads: Django views, workers, scripts that only publish."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from openline.sync.loop_thread import loop_thread

if TYPE_CHECKING:
    from openline.hub.hub import Hub

__all__ = ["HubSync"]

P = ParamSpec("P")
T = TypeVar("T")


class HubSync:
    """``hub.sync``: what `Hub` has as coroutines, as functions that wait; for any thread but the loop's.

    Where nobody has started the hub, as in a process that only publishes, the first call starts it in the background
    thread that all of `openline.sync` shares.

    Every method takes the arguments of its namesake and raises what that raises; and `RuntimeError` in the thread
    of the hub's loop, which would wait for itself. Interrupted by KeyboardInterrupt, it cancels what it waits for.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            loop = self._hub.own_loop
            if loop is None or loop.is_closed():  # it was closed, with its loop, and begins anew
                loop = loop_thread().loop
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is loop:
            coroutine.close()
            raise RuntimeError(
                "hub.sync cannot be used in the thread of the hub's loop: await the hub's own method"
            )
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of what stands on the hub, in the hub's loop: ``hub.sync.run(inbox.send("ada", …))``."""
        return self._run(coroutine)

    def close(self) -> None:
        """`Hub.close`; for who has started it here."""
        self._run(self._hub.close())

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _NAMES:
            raise AttributeError(f"hub.sync has no {name!r}: it has {', '.join(sorted(_NAMES))}")
        method: Callable[..., Coroutine[Any, Any, Any]] = getattr(self._hub, name)

        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            return self._run(method(*args, **kwargs))

        return call


_NAMES = frozenset(
    {
        "broadcast",
        "channels",
        "disconnect",
        "history",
        "history_remove",
        "info",
        "presence",
        "presence_stats",
        "publish",
        "publish_many",
        "refresh",
        "subscribe",
        "unsubscribe",
    }
)
