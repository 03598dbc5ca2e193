"""The messages: made by a clock, numbered, and kept for a while for those who ask late."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable

from openline.playground.comparison.settings import Settings

KEPT = 1_024  # newest messages; whoever asks for older ones gets the oldest of these

Message = tuple[int, str]  # its number, and itself: a JSON object


class Stream:
    """Messages that say their number and when they were made: ``{"n": 1, "at": milliseconds since 1970, "pad": "…"}``.

    Args:
        settings: How often, and how large. None: the defaults.
        phase: When in each period of the system's clock they are made, 0.0 to 1.0. Streams of several processes are so
            kept apart, and none of them waits behind another for the two cores.

    Attributes:
        last: The number of the newest message; 0: there is none yet.
    """

    def __init__(self, settings: Settings | None = None, phase: float = 0.0) -> None:
        self.last = 0
        self._phase = phase
        self._settings = settings or Settings()
        self._kept: deque[Message] = deque(maxlen=KEPT)
        self._listeners: list[Callable[[str], None]] = []
        self._next: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call a function with each message from now on."""
        self._listeners.append(listener)

    def after(self, number: int) -> list[Message]:
        """Return what came after the message of this number: all that is kept of it, or nothing if that is the newest.

        Args:
            number: The message; 0: whoever asks has none, and gets the newest alone.
        """
        missing = self.last - number if number else min(self.last, 1)
        if missing <= 0:
            return []
        if missing == 1:
            return [self._kept[-1]]
        return list(self._kept)[-min(missing, len(self._kept)) :]

    async def wait(self, number: int, seconds: float) -> list[Message]:
        """Return the same, but wait until there is something; nothing, if nothing comes for so long.

        Cancel: safe.
        """
        if self.last <= number or not self.last:
            try:
                async with asyncio.timeout(seconds):
                    await asyncio.shield(self._coming())
            except TimeoutError:
                return []
        return self.after(number)

    async def follow(self, number: int) -> AsyncGenerator[Message]:
        """Yield each message after this number, for ever. Whoever is too slow misses what is kept no more."""
        while True:
            for message in self.after(number):
                yield message
                number = message[0]
            if self.last <= number:
                await asyncio.shield(self._coming())

    def _coming(self) -> asyncio.Future[None]:
        """One future for all who wait."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        return self._next

    # The clock.

    def start(self) -> None:
        """Begin to make messages."""
        loop = asyncio.get_running_loop()
        periods = math.floor(loop.time() * self._settings.rate)  # one clock for all processes
        self._due = (periods + 1 + self._phase) / self._settings.rate
        self._timer = loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        """Make no more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def change(self, settings: Settings) -> None:
        """Go on at another rate, or with messages of another size."""
        self._settings = settings
        if self._timer is not None:
            self.stop()
            self.start()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._due += 1 / self._settings.rate
        if self._due < loop.time():  # what was missed is not made up for by a burst
            self._due = (
                math.floor(loop.time() * self._settings.rate) + 1 + self._phase
            ) / self._settings.rate
        self._timer = loop.call_at(self._due, self._tick)
        self.put()

    def put(self) -> None:
        """Make a message now."""
        self.last += 1
        message = message_of(self.last, time.time() * 1000, self._settings.size)
        self._kept.append((self.last, message))
        for listener in self._listeners:
            listener(message)
        if self._next is not None:
            self._next.set_result(None)
            self._next = None


def message_of(number: int, at: float, size: int) -> str:
    """Make a message of exactly ``size`` bytes, or as many as its number needs."""
    head = f'{{"n":{number},"at":{at:.3f},"pad":"'
    return head + "." * (size - len(head) - 2) + '"}'
