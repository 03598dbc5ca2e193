"""A link to one Redis server: commands of many callers at once, over a connection that is made anew when it breaks.

What callers ask for in one turn of the loop leaves in one write. Replies come in the order of the commands. A caller
gets a future, and needs no task; reading, writing and the watch are tasks of the link.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence

from openline.hub.redis.connection import (
    LOST,
    Argument,
    Reply,
    ResponseError,
    Server,
    ServerConnection,
    code_of,
    redirection,
)
from openline.hub.redis.options import RedisOptions, Settings
from openline.hub.redis.scripts import Script

__all__ = ["Link", "Locate", "RedisDown", "retrieve"]

logger = logging.getLogger("openline.hub")

Locate = Callable[[], Awaitable[Settings]]
"""Finds out where the server is, before each attempt to connect."""

_SHARE = 0.002  # seconds that replies are worked off before others have their turn
_OVERHEAD = 64  # bytes of a command besides its arguments, about
_LOOKS = 4  # how often, in the shorter of its times, the watch looks

_PAUSE = 0.0002  # seconds: a reply that took longer was waited for, so that others had their turn

# The server did not do it, and another one should be looked for.
_WRONG_SERVER = frozenset({"READONLY", "MASTERDOWN"})


class RedisDown(Exception):
    """Redis cannot be reached, or does not do what it is asked.

    Attributes:
        sent: The command had left, so that it may have taken effect.
    """

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class _Command:
    __slots__ = ("args", "at", "future", "script", "size")

    def __init__(
        self,
        args: Sequence[Argument],
        future: asyncio.Future[Reply],
        size: int,
        at: float,
        script: Script | None,
    ) -> None:
        self.args = args
        self.future = future
        self.size = size
        self.at = at
        self.script = script


class Link:
    """Commands to one server.

    Args:
        name: For messages: where the server is.
        locate: See `Locate`.
        options: Timeouts and bounds.
        down: What is raised.
        changed: Called when the link came up, went down, or failed to come up.
        scripts: Loaded into the server at each start of a connection.
    """

    def __init__(
        self,
        name: str,
        locate: Locate,
        options: RedisOptions,
        *,
        down: type[RedisDown],
        changed: Callable[[Link], None],
        scripts: Sequence[Script] = (),
    ) -> None:
        self.name = name
        self.server: Server | None = None  # while it is up
        self.error: BaseException | None = None  # why it is not
        self._locate = locate
        self._options = options
        self._down = down
        self._changed = changed
        self._scripts = scripts
        self._loop = asyncio.get_running_loop()
        self._connection: ServerConnection | None = None
        self._waiting: deque[_Command] = deque()  # not yet written
        self._inflight: deque[_Command] = deque()  # written, not yet answered
        self._size = 0  # bytes in both
        self._wake = asyncio.Event()
        self._heard = 0.0  # when the last reply came
        self._task = self._loop.create_task(self._run(), name=f"openline redis {name}")

    @property
    def up(self) -> bool:
        """Whether commands are taken."""
        return self.server is not None

    @property
    def waiting(self) -> int:
        """Commands that wait for their answer."""
        return len(self._waiting) + len(self._inflight)

    def call(
        self, args: Sequence[Argument], *, script: Script | None = None, urgent: bool = False
    ) -> asyncio.Future[Reply]:
        """Send a command; the future gets its reply.

        Args:
            args: The command. With ``script``: what follows the digest; the script is sent whole where the server does
                not know it.
            script: Run this script.
            urgent: One of few that must not be refused because too many wait.

        Returns:
            Its exception may be `RedisDown`, or `Redirected` in a Cluster. Where it is cancelled, the command is
            sent all the same.

        Raises:
            RedisDown: The link is down, or too many commands wait.
        """
        if self.server is None:
            raise self._down(f"{self.name} is out of reach: {describe(self.error)}")
        if script is not None:
            args = ("EVALSHA", script.digest, *args)
        size = _OVERHEAD
        for arg in args:
            size += len(arg) if isinstance(arg, bytes | str) else 8
        options = self._options
        full = self.waiting >= options.max_waiting or self._size + size > options.max_waiting_size
        if full and not urgent:
            raise self._down(f"too many commands wait for {self.name}")
        future: asyncio.Future[Reply] = self._loop.create_future()
        self._waiting.append(_Command(args, future, size, self._loop.time(), script))
        self._size += size
        self._wake.set()
        return future

    def reconnect(self, reason: str) -> None:
        """Give this connection up, and make another."""
        if self._connection is not None:
            logger.info("giving up a connection to %s: %s", self.name, reason)
            self._connection.drop()

    async def close(self) -> None:
        """End it; what waits gets `RedisDown`. Idempotent."""
        self._task.cancel()
        await asyncio.wait([self._task])

    # The connection's life.

    async def _run(self) -> None:
        options = self._options
        pause = options.reconnect_min
        while True:
            connection: ServerConnection | None = None
            began = self._loop.time()
            try:
                connection = ServerConnection(await self._locate(), options.connect_timeout)
                await connection.open()
                server = await self._prepare(connection)
                await self._serve(connection, server)
            except* Exception as group:
                self._note(group)
            finally:
                self._connection = None
                self._lose()
                if connection is not None:
                    await connection.close()
            if self._loop.time() - began > options.reconnect_max + options.connect_timeout:
                pause = options.reconnect_min  # it did work for a while
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, options.reconnect_max)

    async def _prepare(self, connection: ServerConnection) -> Server:
        server = await connection.identify()
        if not server.master:
            raise ConnectionError("it is a replica")
        for script in self._scripts:
            await connection.ask("SCRIPT", "LOAD", script.text)
        return server

    async def _serve(self, connection: ServerConnection, server: Server) -> None:
        """Exchange commands and replies until the connection breaks, which is the only way out."""
        self._wake.clear()
        self._heard = self._loop.time()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write(connection))
            tasks.create_task(self._read(connection))
            tasks.create_task(self._watch())
            self._connection = connection
            self.server = server
            self.error = None
            tasks.create_task(self._opened())
            self._changed(self)

    async def _opened(self) -> None:
        """What is to be done first on each new connection; commands may already be called for."""

    def _note(self, group: BaseExceptionGroup[Exception]) -> None:
        error = next(_leaves(group))
        if not isinstance(error, LOST):
            logger.error("the link to %s broke by a fault of its own", self.name, exc_info=error)
        elif self.error is None:  # not at each of many attempts
            logger.warning("%s is out of reach: %s", self.name, describe(error))
        self.error = error

    def _lose(self) -> None:
        self.server = None
        lost = [(command, True) for command in self._inflight] + [(c, False) for c in self._waiting]
        self._inflight.clear()
        self._waiting.clear()
        self._size = 0
        for command, sent in lost:
            if not command.future.done():
                message = f"{self.name} is out of reach: {describe(self.error)}"
                command.future.set_exception(self._down(message, sent=sent))
        self._changed(self)

    # The tasks of a connection.

    async def _write(self, connection: ServerConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._waiting:
                batch = list(self._waiting)
                self._waiting.clear()
                self._inflight.extend(batch)
                await connection.send([command.args for command in batch])

    async def _read(self, connection: ServerConnection) -> None:
        time = self._loop.time
        began = last = time()
        while True:
            try:
                reply = await connection.read()
            except ResponseError as error:
                self._fail(self._answered(), error)
            else:
                self._heard = now = time()
                if now - last > _PAUSE:
                    began = now
                self._take(reply)
            last = time()
            if last - began > _SHARE:
                # Replies that are already in this process are read without ever leaving the task.
                await asyncio.sleep(0)
                began = last = time()

    async def _watch(self) -> None:
        """Give the connection up when an answer is overdue, and ask for one when it is silent."""
        options = self._options
        tick = min(options.command_timeout, options.ping_interval) / _LOOKS
        while True:
            before = self._loop.time()
            await asyncio.sleep(tick)
            now = self._loop.time()
            if now - before > 2 * tick:
                continue  # this process stood still: what came meanwhile is to be read first
            oldest = min((queue[0].at for queue in (self._inflight, self._waiting) if queue), default=None)
            if oldest is not None:
                if now - oldest > options.command_timeout:
                    raise TimeoutError(f"no answer in {options.command_timeout:g} s")
            elif now - self._heard > options.ping_interval:
                retrieve(self.call(("PING",), urgent=True))

    # Replies.

    def _take(self, reply: Reply) -> None:
        command = self._answered()
        if not command.future.done():
            command.future.set_result(reply)

    def _answered(self) -> _Command:
        if not self._inflight:
            raise ConnectionError("a reply that nobody asked for")
        command = self._inflight.popleft()
        self._size -= command.size
        return command

    def _fail(self, command: _Command, error: ResponseError) -> None:
        future = command.future
        if command.script is not None and code_of(error) == "NOSCRIPT":
            command.args = ("EVAL", command.script.text, *command.args[2:])
            command.script = None
            self._waiting.append(command)
            self._size += command.size
            self._wake.set()
            return
        if not future.done():
            elsewhere = redirection(error)
            future.set_exception(elsewhere or self._down(f"{self.name} refuses: {code_of(error)} {error}"))
        if code_of(error) in _WRONG_SERVER:
            raise ConnectionError(f"it takes no writes: {error}")


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def retrieve(future: asyncio.Future[Reply]) -> None:
    """Let nobody be told that the future's result was never looked at: nobody needs it."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())


def describe(error: BaseException | None) -> str:
    """Say in a few words why."""
    if error is None:
        return "not connected yet"
    return str(error) or type(error).__name__
