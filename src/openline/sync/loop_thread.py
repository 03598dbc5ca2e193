"""The background thread: one event loop for all connections that threads use."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["LoopThread", "loop_thread"]

T = TypeVar("T")


class LoopThread:
    """A daemon thread with an event loop that runs as long as the process.

    Attributes:
        loop: The loop.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._kept: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self.loop.run_forever, name="openline", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, and wait for what it returns or raises.

        When the wait is interrupted, by KeyboardInterrupt for instance, the coroutine is cancelled.

        Raises:
            RuntimeError: in the loop's own thread, which would wait for itself.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("openline.sync cannot be used in its own background thread")
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that nobody waits for; to be called in the loop's thread."""
        task = self.loop.create_task(coroutine)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in the loop's thread, and wait for what it returns or raises."""

        async def call() -> T:
            return function(*args)

        return self.run(call())


_lock = threading.Lock()
_threads: dict[int, LoopThread] = {}


def loop_thread() -> LoopThread:
    """Return the background thread of this process; started when it is first needed."""
    with _lock:
        # By process: after a fork, the child has the object and not the thread.
        pid = os.getpid()
        thread = _threads.get(pid)
        if thread is None:
            _threads.clear()
            thread = _threads[pid] = LoopThread()
        return thread
