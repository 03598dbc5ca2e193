"""Which server has a key: one server, or the master that Sentinel names. (`cluster` has the third way.)"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from openline.hub.redis.connection import LOST, Argument, Reply, ServerConnection
from openline.hub.redis.link import Link, Locate, RedisDown, describe, retrieve
from openline.hub.redis.options import Place, RedisOptions, Settings
from openline.hub.redis.pubsub import Listener, PubSub
from openline.hub.redis.scripts import Script

__all__ = ["Changes", "Node", "SingleMaster", "Topology", "Uses"]


class Uses(NamedTuple):
    """What Redis is used for.

    Attributes:
        options: How.
        scripts: Those that will run.
        down: What is raised when it cannot be reached.
        restored: Called with channels that were subscribed again and may have missed messages. None: nobody listens.
    """

    options: RedisOptions
    scripts: Sequence[Script]
    down: type[RedisDown]
    restored: Callable[[list[bytes]], None] | None = None


class Topology(Protocol):
    """One shard. All methods that send raise `RedisDown`; none needs a current task before it first suspends."""

    async def start(self) -> None:
        """Connect, within ``start_wait``."""

    async def close(self) -> None:
        """End all connections. Idempotent."""

    async def command(self, key: bytes, *command: Argument) -> Reply:
        """Run a command where the key is."""
        ...

    async def run(self, script: Script, keys: Sequence[bytes], args: Sequence[Argument]) -> Reply:
        """Run a script where its keys are, all of them in one slot."""
        ...

    async def subscribe(self, channel: bytes, listener: Listener) -> None:
        """Listen to a channel; see `PubSub.subscribe`."""

    def unsubscribe(self, channel: bytes) -> None:
        """Listen no longer."""

    def run_id(self, key: bytes) -> str:
        """Return the ``run_id`` of the server that has the key; empty: it is out of reach."""
        ...

    async def wait_up(self, key: bytes, until: float) -> bool:
        """Wait until the server of a key can be reached, or this time of the loop's clock; tell whether it can."""
        ...


class Changes:
    """Lets callers wait for the next change of something."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watchers: set[asyncio.Future[None]] = set()

    def next(self, until: float = float("inf")) -> asyncio.Future[None]:
        """Wait for the next change, or until a time of the loop's clock."""
        watcher: asyncio.Future[None] = self._loop.create_future()
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        if until != float("inf"):
            timer = self._loop.call_at(until, _wake, watcher)
            watcher.add_done_callback(lambda _: timer.cancel())
        return watcher

    def tell(self) -> None:
        """It has changed."""
        for watcher in self._watchers:
            _wake(watcher)  # the set changes later, by the futures' callbacks


class Node:
    """The links to one server, or to what follows it under the same name: commands, and pub/sub where it is used.

    Args:
        name: For messages.
        locate: See `Link`.
        uses: What for.
        changed: Called when a link came up, went down, or failed to come up.
        moved: See `PubSub`.
    """

    def __init__(
        self,
        name: str,
        locate: Locate,
        uses: Uses,
        *,
        changed: Callable[[], None] = lambda: None,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._options = uses.options
        self._told = changed
        self._loop = asyncio.get_running_loop()
        self._down = uses.down
        self._restored = uses.restored
        self._missed: dict[
            bytes, None
        ] = {}  # channels of which `restored` is to be told; a set with an order
        self.changes = Changes()
        self.commands = Link(
            name, locate, uses.options, down=uses.down, changed=self._changed, scripts=uses.scripts
        )
        self.pubsub = (
            PubSub(
                name,
                locate,
                uses.options,
                down=uses.down,
                changed=self._changed,
                restored=self._listening,
                moved=moved,
            )
            if uses.restored is not None
            else None
        )
        self.links: tuple[Link, ...] = (
            (self.commands,) if self.pubsub is None else (self.commands, self.pubsub)
        )

    @property
    def up(self) -> bool:
        """Whether all its links are."""
        return all(link.up for link in self.links)

    def run(
        self, script: Script, keys: Sequence[bytes], args: Sequence[Argument], *, asking: bool = False
    ) -> asyncio.Future[Reply]:
        """Run a script; see `Link.call`."""
        server = self.commands.server
        if script.positioned:
            args = ("" if self._options.durable or server is None else server.run_id, *args)
        if asking:
            self.ask()
        return self.commands.call((len(keys), *keys, *args), script=script)

    def ask(self) -> None:
        """Have the next command done although its slot is only on its way to this server."""
        retrieve(self.commands.call(("ASKING",), urgent=True))

    async def start(self) -> None:
        """Wait until it is up.

        Raises:
            RedisDown: It was not within ``start_wait``; or, where that is 0, not at once.
        """
        until = self._loop.time() + self._options.start_wait
        while not self.up:
            failed = next((link for link in self.links if link.error is not None), None)
            if failed is not None and self._loop.time() >= until:
                raise self._down(f"{self.name} cannot be reached: {describe(failed.error)}")
            # An attempt ends by itself, after `connect_timeout` at the latest.
            await (self.changes.next(until) if failed is not None else self.changes.next())

    async def close(self) -> None:
        """End its links. Idempotent."""
        await asyncio.gather(*(link.close() for link in self.links))

    def _listening(self, channels: list[bytes]) -> None:
        self._missed.update(dict.fromkeys(channels))
        self._tell_restored()

    def _tell_restored(self) -> None:
        # Who is told asks for the history at once, over the other link.
        if self._missed and self.commands.up and self._restored is not None:
            channels, self._missed = list(self._missed), {}
            self._restored(channels)

    def _changed(self, link: Link) -> None:
        self.changes.tell()
        self._tell_restored()
        if link.server is not None:
            for other in self.links:
                if other.server is not None and other.server.run_id != link.server.run_id:
                    # After a failover one of them may still be with the former master, who hears nothing any more.
                    other.reconnect("another server answers under its name")
        self._told()


class SingleMaster:
    """A shard with one master: a single server, or what Sentinel says.

    Args:
        place: Where; ``single`` or ``sentinel``.
        uses: What for.
    """

    def __init__(self, place: Place, uses: Uses) -> None:
        self._place = place
        self._options = uses.options
        self._down = uses.down
        if place.kind == "sentinel":
            self._node = Node(f"Redis {place.master}", self._ask_sentinels, uses)
        else:
            where = ":".join(map(str, place.hosts[0])) if place.hosts else str(place.settings.get("path", ""))
            self._node = Node(f"Redis at {where}", self._itself, uses)

    async def start(self) -> None:
        await self._node.start()

    async def close(self) -> None:
        await self._node.close()

    async def command(self, key: bytes, *command: Argument) -> Reply:
        return await self._node.commands.call(command)

    async def run(self, script: Script, keys: Sequence[bytes], args: Sequence[Argument]) -> Reply:
        return await self._node.run(script, keys, args)

    async def subscribe(self, channel: bytes, listener: Listener) -> None:
        assert self._node.pubsub is not None
        await self._node.pubsub.subscribe(channel, listener)

    def unsubscribe(self, channel: bytes) -> None:
        assert self._node.pubsub is not None
        self._node.pubsub.unsubscribe(channel)

    def run_id(self, key: bytes) -> str:
        server = self._node.commands.server
        return server.run_id if server is not None else ""

    async def wait_up(self, key: bytes, until: float) -> bool:
        loop = asyncio.get_running_loop()
        while not self._node.commands.up:
            if loop.time() >= until:
                return False
            await self._node.changes.next(until)
        return True

    async def _itself(self) -> Settings:
        return self._place.settings

    async def _ask_sentinels(self) -> Settings:
        error: BaseException | None = None
        for host, port in self._place.hosts:
            settings = {**self._place.sentinel, "host": host, "port": port}
            connection = ServerConnection(settings, self._options.connect_timeout)
            try:
                await connection.open()
                answer = await connection.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._place.master)
            except LOST as failure:
                error = failure
                continue
            finally:
                await connection.close()
            match answer:
                case [bytes(address), bytes(number)]:
                    return {**self._place.settings, "host": address.decode(), "port": int(number)}
                case _:
                    error = ConnectionError(f"Sentinel does not know {self._place.master}")
        raise ConnectionError(f"no Sentinel names the master: {describe(error)}") from error


def _wake(watcher: asyncio.Future[None]) -> None:
    if not watcher.done():
        watcher.set_result(None)
