"""Connections that ask and measure how long the answers take.

Two ways to ask. Without a rate, each connection has a number of messages on the way and sends the next when an answer
comes: this finds the throughput. With a rate, messages leave at their times, whatever the server does, and a latency
counts from the time at which the message was due: a server that stalls cannot hide it by slowing the questions.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from openline import Listener
from openline.cli.client.failures import CONNECT_ERRORS, explain
from openline.cli.load.histogram import Histogram

if TYPE_CHECKING:
    from openline import ClientConnection
    from openline.cli.target import Target

# Handshakes on the way at a time: a server's backlog of connections is often 100.
OPENING_AT_ONCE = 50

# Messages that may wait for their answers on one connection when a rate is given; further ones are not sent.
MAX_OUTSTANDING = 256

# Seconds that the last answers, and the closing handshakes, may take.
GRACE = 3.0

_TICK = 0.001
_LOOK_AGAIN = 0.02
_KINDS_OF_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured.

    Args:
        connections: How many.
        duration: Seconds.
        rate: Messages a second over all connections; None: as many as answers allow.
        in_flight: Messages on the way on each connection, where there is no rate.
        payload: The message.
    """

    connections: int = 10
    duration: float = 10
    rate: float | None = None
    in_flight: int = 1
    payload: str | bytes = "x" * 64

    @property
    def size(self) -> int:
        """Bytes of a message on the wire, without its header."""
        return len(self.payload.encode() if isinstance(self.payload, str) else self.payload)


@dataclass(slots=True)
class Result:
    """What was measured.

    Args:
        opened: Connections whose handshake succeeded.
        sent: Messages sent while it was measured.
        answered: Answers that were what was sent.
        skipped: Messages that were due, with the connection still waiting for `MAX_OUTSTANDING` answers.
        unanswered: Messages whose answers had not come `GRACE` seconds after the end.
        errors: What went wrong, and how often.
        opening: Seconds from the first connection's start to the last one's handshake.
        elapsed: Seconds of sending and receiving.
        client_cpu: Processor time of this process meanwhile, in seconds.
        latency: From a message's time to its answer.
        handshakes: From the start of a connection to its opening.
    """

    opened: int = 0
    sent: int = 0
    answered: int = 0
    skipped: int = 0
    unanswered: int = 0
    errors: Counter[str] = field(default_factory=Counter[str])
    opening: float = 0
    elapsed: float = 0
    client_cpu: float = 0
    latency: Histogram = field(default_factory=Histogram)
    handshakes: Histogram = field(default_factory=Histogram)

    def failed(self, what: str) -> None:
        """Count an error; kinds beyond the first twenty are counted together."""
        if what not in self.errors and len(self.errors) >= _KINDS_OF_ERRORS:
            what = "other errors"
        self.errors[what] += 1


class _Caller(Listener):
    """One connection: what it has asked and when."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.asked: deque[float] = deque()
        self.ws: ClientConnection | None = None

    def ask(self, ws: ClientConnection, due: float) -> None:
        self.asked.append(due)
        self._load.result.sent += 1
        ws.send_nowait(self._load.plan.payload)

    def on_message(self, ws: Any, message: str | bytes) -> None:
        load = self._load
        now = time.perf_counter()
        if not self.asked or message != load.plan.payload:
            load.result.failed("answer that was not what was sent (bench needs a server that echoes)")
            return
        load.result.latency.add(now - self.asked.popleft())
        load.result.answered += 1
        if load.asking and load.plan.rate is None:
            self.ask(ws, now)

    def on_close(self, ws: Any, code: int, reason: str) -> None:
        self.ws = None
        if not self._load.closing:
            self._load.result.failed(f"closed during the test: {code} {reason}".rstrip())


class Load:
    """One run of a plan.

    Args:
        target: The server.
        plan: What to measure.
        progress: Called now and then with the phase's name, what is done, and the total of the phase.
    """

    def __init__(self, target: Target, plan: Plan, progress: Callable[[str, float, float], None]) -> None:
        self.plan = plan
        self.result = Result()
        self.asking = False
        self.closing = False
        self._target = target
        self._progress = progress
        self._callers: list[_Caller] = []
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """End early; what was measured until then counts."""
        self._stop.set()

    async def run(self) -> Result:
        """Connect, measure, close.

        Raises:
            OSError, InvalidHandshake, ...: the first connection failed (`CONNECT_ERRORS`).
        """
        try:
            await self._open_all()
            await self._measure()
        finally:
            self.closing = True
            await self._close_all()
        return self.result

    async def _open_all(self) -> None:
        began = time.perf_counter()
        await self._open()  # alone, and not caught: what is wrong for all is said once
        places = asyncio.Semaphore(OPENING_AT_ONCE)

        async def open_another() -> None:
            async with places:
                if self._stop.is_set():
                    return
                try:
                    await self._open()
                except CONNECT_ERRORS as error:
                    self.result.failed(explain(error, self._target))
                self._progress("connecting", self.result.opened, self.plan.connections)

        async with asyncio.TaskGroup() as group:
            for _ in range(self.plan.connections - 1):
                group.create_task(open_another())
        self.result.opening = time.perf_counter() - began

    async def _open(self) -> None:
        caller = _Caller(self)
        began = time.perf_counter()
        caller.ws = await self._target.connect(listener=caller, max_size=max(2**20, 2 * self.plan.size))
        self.result.handshakes.add(time.perf_counter() - began)
        self.result.opened += 1
        self._callers.append(caller)

    async def _measure(self) -> None:
        began, cpu = time.perf_counter(), time.process_time()
        self.asking = True
        asking = asyncio.create_task(self._ask_at_rate() if self.plan.rate is not None else self._ask_first())
        try:
            while (elapsed := time.perf_counter() - began) < self.plan.duration and not self._stop.is_set():
                self._progress("measuring", elapsed, self.plan.duration)
                await self._pause(min(0.1, self.plan.duration - elapsed))
        finally:
            self.asking = False
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        self.result.elapsed = time.perf_counter() - began
        self.result.client_cpu = time.process_time() - cpu
        await self._last_answers()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _ask_first(self) -> None:
        for caller in self._callers:
            for _ in range(self.plan.in_flight):
                if caller.ws is not None:
                    caller.ask(caller.ws, time.perf_counter())

    async def _ask_at_rate(self) -> None:
        assert self.plan.rate is not None
        began = time.perf_counter()
        number = 0
        while True:
            due = began + number / self.plan.rate
            now = time.perf_counter()
            if due > now:
                await asyncio.sleep(max(_TICK, due - now))
                continue
            caller = self._callers[number % len(self._callers)]
            number += 1
            if caller.ws is None:
                continue
            if len(caller.asked) < MAX_OUTSTANDING:
                caller.ask(caller.ws, due)
            else:
                self.result.skipped += 1
            if number % OPENING_AT_ONCE == 0:
                await asyncio.sleep(0)  # far behind: the answers must be read all the same

    async def _last_answers(self) -> None:
        deadline = time.perf_counter() + GRACE
        # Looked at now and then: an event would cost something with each answer.
        while self._waiting() and time.perf_counter() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_AGAIN)
        self.result.unanswered = self._waiting()

    def _waiting(self) -> int:
        return sum(len(caller.asked) for caller in self._callers)

    async def _close_all(self) -> None:
        closing = [
            asyncio.create_task(caller.ws.close()) for caller in self._callers if caller.ws is not None
        ]
        if not closing:
            return
        _, late = await asyncio.wait(closing, timeout=GRACE)
        for caller in self._callers:
            if late and caller.ws is not None:
                caller.ws.transport.abort()
        await asyncio.gather(*closing, return_exceptions=True)
