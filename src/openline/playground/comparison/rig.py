"""All processes of a comparison: four servers, the meter before them, the crowd; started together, ended together."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self

from openline.playground.comparison.figures import Sample, sample_of
from openline.playground.comparison.once import Way
from openline.playground.comparison.processes import Child
from openline.playground.comparison.settings import TECHNIQUES, Settings


class Rig:
    """The processes, while they run.

    Attributes:
        software: What serves, by technique.
        loop: The event loop's package, the same in all servers.
        once: What single questions took, measured before the stream began.
    """

    def __init__(self, children: list[Child]) -> None:
        self.software: dict[str, str] = {}
        self.loop = ""
        self.once: dict[str, Way] = {}
        self._children = children  # all of them, in the order of their starts
        self._servers: dict[str, Child] = {}
        self._asking = asyncio.Lock()

    @classmethod
    async def start(
        cls, sockets: Mapping[str, socket.socket], techniques: str, page_port: int, settings: Settings
    ) -> Self:
        """Start everything, measure single questions, and let the stream begin.

        Args:
            sockets: Bound, by technique: where clients are to connect. They are the rig's from now on.
            techniques: The name of the module that has them.
            page_port: The port of the pages that may connect.
            settings: To begin with.

        Raises:
            ChildFailed: A process does not start.

        Cancel: ends what was started.
        """
        rig = cls([])
        try:
            await rig._start(sockets, techniques, page_port, settings)
        except BaseException:
            await rig.close()
            raise
        finally:
            for sock in sockets.values():
                sock.close()  # the meter has its own copies
        return rig

    async def _start(
        self, sockets: Mapping[str, socket.socket], techniques: str, page_port: int, settings: Settings
    ) -> None:
        async def serve(technique: str) -> None:
            arguments = {"technique": technique, "module": techniques, "page_port": page_port}
            self._servers[technique] = await self._child("server", arguments)

        try:
            async with asyncio.TaskGroup() as group:
                for technique in TECHNIQUES:
                    group.create_task(serve(technique))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        relays = {name: (sockets[name].fileno(), self._servers[name].started["port"]) for name in TECHNIQUES}
        self._meter = await self._child(
            "meter", {"relays": relays}, tuple(sock.fileno() for sock in sockets.values())
        )
        ports = {name: sockets[name].getsockname()[1] for name in TECHNIQUES}
        self._crowd = await self._child("crowd", {"ports": ports, "settings": asdict(settings)})
        self.software = {name: self._servers[name].started["software"] for name in TECHNIQUES}
        self.loop = self._servers["websocket"].started["loop"]
        ways = await self._crowd.ask({"do": "once"})
        self.once = {name: Way(**way) for name, way in ways.items()}
        await self._tell_all({"do": "start", "settings": asdict(settings)})

    async def _child(self, role: str, arguments: dict[str, Any], descriptors: tuple[int, ...] = ()) -> Child:
        child = await Child.start(role, arguments, descriptors)
        self._children.append(child)
        return child

    @property
    def pids(self) -> list[int]:
        """The processes."""
        return [child.pid for child in self._children]

    async def change(self, settings: Settings) -> None:
        """Go on otherwise.

        Raises:
            ChildFailed: A process has ended.
        """
        await self._tell_all({"settings": asdict(settings)})

    async def sample(self) -> dict[str, Sample]:
        """Ask all processes in one moment.

        Raises:
            ChildFailed: A process has ended.
        """
        async with self._asking:
            at = time.monotonic()
            reports = await asyncio.gather(
                self._meter.ask({}),
                self._crowd.ask({}),
                *(self._servers[name].ask({}) for name in TECHNIQUES),
            )
        meter, crowd, *servers = reports
        return {
            name: sample_of(at, name, meter, server, crowd)
            for name, server in zip(TECHNIQUES, servers, strict=True)
        }

    async def close(self) -> None:
        """End all processes, the clients first. Idempotent."""
        await asyncio.gather(*(child.end() for child in reversed(self._children)))

    async def _tell_all(self, order: dict[str, object]) -> None:
        async with self._asking:
            await asyncio.gather(*(self._servers[name].ask(order) for name in TECHNIQUES))
            await self._crowd.ask(order)
