"""The comparison that all its pages watch: begun when somebody looks, and ended when nobody does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from openline import ServerConnection, broadcast
from openline.playground.comparison.figures import Window
from openline.playground.comparison.processes import ChildFailed
from openline.playground.comparison.rig import Rig
from openline.playground.comparison.settings import BOUNDS, TECHNIQUES, Settings
from openline.playground.comparison.verdicts import judge
from openline.playground.ports import ReservedPort
from openline.protocol.close_codes import CloseCode
from openline.websocket.http import HTTPRequest

MAX_WATCHERS = 64  # pages at a time; a further one is closed with 1013
DURATION = 300.0  # seconds from the last wish until it stops by itself
LINGER = 15.0  # seconds that it runs on when the last page has gone, which may be reloading, or was cut
INTERVAL = 1.0  # seconds between two samples
FAREWELL = 0.3  # seconds that pages have to end their own clients before the servers go
WISH_PAUSE = 0.05  # seconds after a wish in which its page is not read
PAUSE = 0.25  # seconds at least between two changes of the settings

logger = logging.getLogger("openline.playground")


class Comparison:
    """One comparison at a time, for all pages.

    Args:
        host: The address to listen on; empty: all of this machine's.
        techniques: The name of the module that has them.
    """

    def __init__(self, host: str, techniques: str) -> None:
        self._host = host
        self._techniques = techniques
        self._settings = Settings()
        self._ports: dict[str, ReservedPort] = {}
        self._watchers: set[ServerConnection] = set()
        self._page_port = 0
        self._stirred = asyncio.Event()  # somebody came, or wishes something
        self._changed = False
        self._ends = 0.0
        self._phase: dict[str, object] = {"phase": "stopped", "why": "nobody looks"}
        self._rig: Rig | None = None

    @property
    def pids(self) -> list[int]:
        """The processes that run for it."""
        return [] if self._rig is None else self._rig.pids

    def sources(self, request: HTTPRequest) -> Mapping[str, tuple[int, ...]]:
        """Say to which ports the page may connect; see `Application.allow`."""
        return {"connect-src": tuple(port.number for port in self._ports.values())}

    async def run(self) -> None:
        """Do it, for as long as the playground runs.

        Cancel: ends all processes.
        """
        with contextlib.ExitStack() as ports:
            for technique in TECHNIQUES:
                self._ports[technique] = port = ReservedPort(self._host)
                ports.callback(port.close)
            while True:
                await self._wanted()
                await self._run_once()

    # The pages.

    async def show(self, ws: ServerConnection) -> None:
        """Serve a page's line: figures go out, wishes come in."""
        if len(self._watchers) >= MAX_WATCHERS:
            await ws.close(CloseCode.TRY_AGAIN_LATER, "Too many look at it already")
            return
        self._page_port = ws.local_address[1]
        if not self._watchers:
            self._prolong()
        self._watchers.add(ws)
        self._stirred.set()
        try:
            await ws.send(
                _json("hello", ports=self._port_numbers(), bounds=BOUNDS, settings=asdict(self._settings))
            )
            await ws.send(_json("phase", **self._phase))
            async for message in ws:
                await self._grant(ws, message)
        finally:
            self._watchers.discard(ws)
            self._stirred.set()

    def _port_numbers(self) -> dict[str, int]:
        return {technique: port.number for technique, port in self._ports.items()}

    async def _grant(self, ws: ServerConnection, message: str | bytes) -> None:
        try:
            parsed: object = json.loads(message)
        except (ValueError, RecursionError):
            return
        if not isinstance(parsed, dict):
            return
        wish = cast("dict[str, Any]", parsed)
        if isinstance(wish.get("clock"), int | float):
            await ws.send(_json("clock", sent=wish["clock"], at=time.time() * 1000))
        if isinstance(wish.get("set"), dict):
            self._settings = self._settings.changed(wish["set"])
            self._changed = True
            self._prolong()
            self._tell("settings", settings=asdict(self._settings))
        if wish.get("run") is True:
            self._prolong()
        self._stirred.set()
        if "set" in wish:
            await asyncio.sleep(WISH_PAUSE)  # all pages are told of it

    def _prolong(self) -> None:
        self._ends = time.monotonic() + DURATION

    def _tell(self, kind: str, **what: object) -> None:
        broadcast(self._watchers, _json(kind, **what))

    def _enter(self, phase: str, **what: object) -> None:
        self._phase = {"phase": phase, **what}
        self._tell("phase", **self._phase)

    # The measuring.

    async def _wanted(self) -> None:
        """Wait until somebody looks at it who has time left."""
        while not self._watchers or time.monotonic() >= self._ends:
            self._stirred.clear()
            await self._stirred.wait()

    async def _run_once(self) -> None:
        self._enter("starting")
        why = "nobody looks"
        try:
            sockets = {technique: port.open() for technique, port in self._ports.items()}
            self._changed = False
            self._rig = await Rig.start(sockets, self._techniques, self._page_port, self._settings)
            why = await self._measure(self._rig)
            self._enter("stopping", why=why)
            await asyncio.sleep(FAREWELL)
        except (OSError, ChildFailed) as error:
            logger.error("the comparison has failed: %s", error)
            why = str(error)
            self._ends = 0.0  # until somebody asks for it again
        finally:
            await self._end_rig()
        self._enter("stopped", why=why)

    async def _end_rig(self) -> None:
        if self._rig is None:
            return
        closing = asyncio.create_task(self._rig.close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:  # the playground ends meanwhile: it waits for this
            await closing
            raise
        finally:
            self._rig = None

    async def _measure(self, rig: Rig) -> str:
        windows = {technique: Window() for technique in TECHNIQUES}
        self._enter("running", software=rig.software, loop=rig.loop)
        due = time.monotonic()
        left_at: float | None = None
        while (now := time.monotonic()) < self._ends:
            if self._watchers:
                left_at = None
            elif left_at is None:
                left_at = now
            elif now - left_at >= LINGER:
                return "nobody looks"
            if self._changed:
                self._changed = False
                await rig.change(self._settings)
                for window in windows.values():
                    window.clear()
                await asyncio.sleep(PAUSE)
                continue
            if now >= due:
                due = max(due + INTERVAL, now)
                await self._report(rig, windows)
            self._stirred.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(due - time.monotonic(), 0)):
                    await self._stirred.wait()
        return "the time is up"

    async def _report(self, rig: Rig, windows: dict[str, Window]) -> None:
        for technique, sample in (await rig.sample()).items():
            windows[technique].add(sample)
        figures = {technique: window.figures() for technique, window in windows.items()}
        self._tell(
            "figures",
            at=round(time.time() * 1000),
            left=round(self._ends - time.monotonic()),
            figures={technique: seen and asdict(seen) for technique, seen in figures.items()},
            once={name: asdict(way) for name, way in rig.once.items()},
            verdicts=[asdict(verdict) for verdict in judge(figures, self._settings, rig.once)],
        )


def _json(kind: str, **what: object) -> str:
    return json.dumps({"type": kind, **what}, separators=(",", ":"))
