"""Ctrl-C and SIGTERM inside of an event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


def on_signals(act: Callable[[], object]) -> None:
    """Call ``act`` in the running loop each time SIGINT or SIGTERM comes."""
    loop = asyncio.get_running_loop()

    def act_soon(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(act)

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, act)
        except NotImplementedError:
            # Windows' loops have none; its handlers run in the main thread between two of its steps.
            signal.signal(number, act_soon)
