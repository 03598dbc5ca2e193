"""One connection from the command line: opened, talked over, closed, and turned into an exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from openline import ClientConnection
from openline.cli.client.display import Display, is_json
from openline.cli.client.failures import CONNECT_ERRORS, describe_end, explain, is_normal
from openline.cli.client.lines import Unsendable, read_lines
from openline.cli.target import Target
from openline.exceptions import ConnectionClosed

INTERRUPTED = 130  # 128 + SIGINT, as shells count


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a conversation goes.

    Args:
        messages: What is sent instead of the standard input; empty: the standard input.
        binary: Send binary messages.
        count: End after so many messages have come; None: no bound.
        wait: Seconds without a message, after the input's end, before this side closes; infinity: never.
        ping: Seconds between two pings whose round trip is shown; None: none are shown.
        ping_timeout: Seconds that a pong may take; None: any time.
        check_json: Send only what is JSON.
        max_size: Longest message to receive and line to send, in bytes; None: no limit.
    """

    messages: tuple[str, ...] = ()
    binary: bool = False
    count: int | None = None
    wait: float = 1
    ping: float | None = None
    ping_timeout: float | None = 20
    check_json: bool = False
    max_size: int | None = 2**24


class Conversation:
    """What is said over an open connection.

    Args:
        ws: The connection, open.
        conduct: How it goes.
        display: Where messages and remarks go.
    """

    def __init__(self, ws: ClientConnection, conduct: Conduct, display: Display) -> None:
        self.ws = ws
        self.conduct = conduct
        self.display = display
        self._received = 0
        self._enough = asyncio.Event()
        self._unheard: BrokenPipeError | None = None
        self._heard = asyncio.get_running_loop().time()

    async def hold(self) -> int:
        """Talk until this side or the peer has closed.

        Returns:
            The exit code.

        Raises:
            BrokenPipeError: nobody reads the standard output any more; the connection is closed.
        """
        receiving = asyncio.create_task(self._receive())
        talking = asyncio.create_task(self._talk(receiving))
        tasks: list[asyncio.Task[Any]] = [
            receiving,
            talking,
            asyncio.create_task(self._enough.wait()),
            asyncio.create_task(self._ping()),
        ]
        try:
            await asyncio.wait(tasks[:3], return_when=asyncio.FIRST_COMPLETED)
            failed = talking.done() and not self._said_all(talking)
            await self.ws.close()
            closed = await receiving
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._unheard is not None:
            raise self._unheard
        return self._judge(closed, failed)

    def _said_all(self, talking: asyncio.Task[None]) -> bool:
        error = talking.exception()
        if error is None or isinstance(error, ConnectionClosed):
            return True
        if not isinstance(error, (Unsendable, OSError)):
            raise error
        self.display.error(str(error))
        return False

    def _judge(self, closed: ConnectionClosed, failed: bool) -> int:
        self.display.remark(describe_end(closed))
        count = self.conduct.count
        if count is not None and self._received < count:
            self.display.error(f"{self._received} of {count} messages came before the connection ended")
            failed = True
        return 0 if is_normal(closed) and not failed else 1

    async def _receive(self) -> ConnectionClosed:
        while True:
            try:
                message = await self.ws.recv()
            except ConnectionClosed as closed:
                return closed
            self._heard = asyncio.get_running_loop().time()
            if self._enough.is_set():
                continue  # came while this side closes; not asked for
            self._received += 1
            try:
                self.display.message(message)
            except BrokenPipeError as error:
                # Reads on nevertheless: the closing handshake is behind what else has come.
                self._unheard = error
            if self._unheard is not None or self._received == self.conduct.count:
                self._enough.set()

    async def _talk(self, receiving: asyncio.Task[ConnectionClosed]) -> None:
        if not self.conduct.messages and sys.stdin.isatty() and self.display.allows_prompt:
            from openline.cli.client.prompt import Prompt

            await Prompt(self).talk()
            return
        async for message in self._input():
            await self.send(message)
        while (left := self._heard + self.conduct.wait - asyncio.get_running_loop().time()) > 0:
            timeout = None if left == float("inf") else left
            await asyncio.wait({receiving}, timeout=timeout)
            if receiving.done():
                return

    async def _input(self) -> AsyncIterator[str | bytes]:
        if self.conduct.messages:
            for message in self.conduct.messages:
                yield message
            return
        number = 0
        async for line in read_lines(sys.stdin.fileno(), self.conduct.max_size):
            number += 1
            if self.conduct.binary:
                yield line
                continue
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise Unsendable(
                    f"line {number} of the input is not UTF-8; --binary sends it as it is"
                ) from None

    async def send(self, message: str | bytes) -> None:
        """Send a message as the conduct wants it.

        Raises:
            Unsendable: it should be JSON and is none.
            ConnectionClosed: the connection is over.
        """
        if self.conduct.check_json:
            text = message if isinstance(message, str) else message.decode("utf-8", "replace")
            if not is_json(text):
                raise Unsendable("not sent, since it is no JSON (--json)")
        if self.conduct.binary and isinstance(message, str):
            message = message.encode()
        await self.ws.send(message)
        self._heard = asyncio.get_running_loop().time()

    async def _ping(self) -> None:
        if self.conduct.ping is None:
            return
        while True:
            await asyncio.sleep(self.conduct.ping)
            await self.ping()

    async def ping(self) -> None:
        """Send a ping, await its pong and show how long it took; nothing is shown when the connection ends."""
        with suppress(ConnectionClosed):
            latency = await (await self.ws.ping())
            self.display.remark(f"pong after {latency * 1000:.2f} ms")


async def _converse(target: Target, conduct: Conduct, display: Display) -> int:
    connecting = target.connect(max_size=conduct.max_size, ping_timeout=conduct.ping_timeout)
    try:
        ws = await connecting
    except CONNECT_ERRORS as error:
        display.error(explain(error, target))
        return 1
    try:
        request, response = ws.request, ws.response
        if request is not None and response is not None:
            display.headers(">", f"GET {request.path} HTTP/1.1", request.headers)
            display.headers(
                "<", f"HTTP/1.1 {response.status_code} {response.reason_phrase}", response.headers
            )
        chosen = f" (subprotocol {ws.subprotocol})" if ws.subprotocol else ""
        display.remark(f"connected to {target.url}{chosen}")
        return await Conversation(ws, conduct, display).hold()
    finally:
        # Not `async with`: Ctrl-C is a normal end (1000), no failure of this side (1011).
        await ws.close()


def run(target: Target, conduct: Conduct, display: Display) -> int:
    """Hold a conversation from its opening to its end.

    Returns:
        The exit code.
    """
    try:
        return asyncio.run(_converse(target, conduct, display))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # `… | head -1` has seen enough. What Python still buffers must not fail again when it exits.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
