"""The process of the clients: as many of each technique as are wanted, and what they meet with."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any, Protocol

from openline import ClientConnection, Listener, connect
from openline.exceptions import WebSocketException
from openline.playground.comparison.child import Order, Report
from openline.playground.comparison.http_client import BROWSER, HTTPClient, get
from openline.playground.comparison.once import measure_once
from openline.playground.comparison.settings import TECHNIQUES, Settings

MAX_LATENCIES = 20_000  # that are kept of a technique between two reports; of more, the first
RETRY = 1.0  # seconds after a connection that was lost

_BROWSER_FIELDS = [
    (name, value)
    for name, _, value in (line.partition(": ") for line in BROWSER.split("\r\n") if line)
    if name not in ("Connection", "Accept", "User-Agent") and not name.startswith(("sec-ch", "Sec-Fetch"))
]
_USER_AGENT = next(line for line in BROWSER.split("\r\n") if line.startswith("User-Agent: ")).partition(": ")[
    2
]


class Tally:
    """What the clients of one technique have received."""

    def __init__(self) -> None:
        self.messages = 0
        self.lost = 0
        self.latencies: list[float] = []

    def take(self, message: Any, before: int) -> int:
        """Count a message; return its number.

        Args:
            message: The message, parsed.
            before: The number of the one before; 0: it is the client's first, which may have waited for it.
        """
        number: int = message["n"]
        self.messages += 1
        if before:
            self.lost += max(number - before - 1, 0)
        if before and len(self.latencies) < MAX_LATENCIES:
            self.latencies.append(time.time() * 1000 - message["at"])
        return number

    def report(self) -> Report:
        """Return the counters, and what was met with since the last report."""
        latencies, self.latencies = sorted(self.latencies), []
        return {
            "messages": self.messages,
            "lost": self.lost,
            "latencies": [round(latencies[len(latencies) * part // 100], 3) for part in (50, 99)]
            if latencies
            else None,
        }


class Client(Protocol):
    """Somebody who wants the messages."""

    async def run(self) -> None:
        """Get them until cancelled."""
        ...


class HTTPUser:
    """A client of one of the three techniques over HTTP.

    Args:
        technique: Which.
        port: Of the server.
        tally: Counts.
        every: Says how long a polling client waits between two requests, in seconds.
    """

    def __init__(self, technique: str, port: int, tally: Tally, every: Callable[[], float]) -> None:
        self._technique = technique
        self._port = port
        self._tally = tally
        self._every = every
        self._last = 0
        self._body = bytearray()
        self._client: HTTPClient | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lost = asyncio.Event()

    async def run(self) -> None:
        """See `Client`."""
        loop = asyncio.get_running_loop()
        try:
            if self._technique == "polling":  # not all in the same moment
                await asyncio.sleep(random.random() * self._every())
            while True:
                self._lost.clear()
                self._body.clear()
                self._client = client = HTTPClient(self._take, self._answered, self._lost.set)
                try:
                    await loop.create_connection(lambda client=client: client, "127.0.0.1", self._port)
                    self._ask()
                    await self._lost.wait()
                except OSError:
                    pass
                self._stop_asking()
                await asyncio.sleep(RETRY)
        finally:
            self._stop_asking()

    def _stop_asking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._client is not None:
            self._client.close()

    def _ask(self) -> None:
        assert self._client is not None
        if self._technique == "server_sent_events":
            more = "Accept: text/event-stream\r\nCache-Control: no-cache\r\n"
            if self._last:
                more += f"Last-Event-ID: {self._last}\r\n"
            self._client.ask(get("/", f"127.0.0.1:{self._port}", more).replace(b"Accept: */*\r\n", b""))
        else:
            self._client.ask(get(f"/?after={self._last}", f"127.0.0.1:{self._port}"))

    def _take(self, body: bytes) -> None:
        self._body += body
        if self._technique != "server_sent_events":
            return
        while (end := self._body.find(b"\n\n")) >= 0:
            event = bytes(self._body[:end])
            del self._body[: end + 2]
            self._last = self._tally.take(json.loads(event.partition(b"data: ")[2]), self._last)

    def _answered(self, status: int) -> None:
        assert self._client is not None
        if status == 200 and self._technique != "server_sent_events":
            for message in json.loads(self._body):
                self._last = self._tally.take(message, self._last)
        self._body.clear()
        if status not in (200, 204):
            self._client.close()  # refused: too many
            self._lost.set()
        elif self._technique == "polling":
            self._timer = asyncio.get_running_loop().call_later(self._every(), self._ask)
        else:
            self._ask()


class WebSocketUser(Listener):
    """A client with a WebSocket.

    Args:
        port: Of the server.
        tally: Counts.
    """

    def __init__(self, port: int, tally: Tally) -> None:
        self._port = port
        self._tally = tally
        self._last = 0

    async def run(self) -> None:
        """See `Client`."""
        while True:
            try:
                async with connect(
                    f"ws://127.0.0.1:{self._port}/",
                    listener=self,
                    additional_headers=_BROWSER_FIELDS,
                    user_agent_header=_USER_AGENT,
                ) as ws:
                    await ws.wait_closed()
            except (OSError, WebSocketException):
                pass
            await asyncio.sleep(RETRY)

    def on_message(self, ws: ClientConnection, message: str | bytes) -> None:
        """See `Listener`."""
        self._last = self._tally.take(json.loads(message), self._last)


class Crowd:
    """All clients.

    Args:
        ports: Of the servers, or of what stands before them, by technique.
        settings: To begin with.
    """

    def __init__(self, ports: dict[str, int], settings: Settings) -> None:
        self._ports = ports
        self._settings = settings
        self._tallies = {technique: Tally() for technique in TECHNIQUES}
        self._running: dict[str, list[asyncio.Task[None]]] = {technique: [] for technique in TECHNIQUES}

    async def start(self) -> Report:
        """See `openline.playground.comparison.child.Role`."""
        return {}

    async def obey(self, order: Order) -> Report | None:
        """Change the number of clients, measure single requests, or report."""
        if order.get("do") == "once":
            return await measure_once(self._ports)
        if "settings" in order:
            self._settings = Settings(**order["settings"])
        if order.get("do") == "start" or any(self._running.values()):
            self._fill()
        return {technique: tally.report() for technique, tally in self._tallies.items()}

    def _fill(self) -> None:
        for technique, running in self._running.items():
            while len(running) > self._settings.clients:
                running.pop().cancel()
            while len(running) < self._settings.clients:
                running.append(asyncio.create_task(self._make(technique).run()))

    def _make(self, technique: str) -> Client:
        tally, port = self._tallies[technique], self._ports[technique]
        if technique == "websocket":
            return WebSocketUser(port, tally)
        return HTTPUser(technique, port, tally, lambda: self._settings.every)


def make(ports: dict[str, int], settings: dict[str, Any]) -> Crowd:
    """Make the role; see `openline.playground.comparison.child`."""
    return Crowd(ports, Settings(**settings))
