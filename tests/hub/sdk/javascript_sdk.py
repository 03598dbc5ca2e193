"""centrifuge-js, on Node or in a page of Chromium, by a driver that takes and gives lines of JSON."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .client import SDK, Address, Client, GetToken, ReplyError, Settings

FOLDER = Path(__file__).parents[1] / "node"
PACKAGE = FOLDER / "node_modules" / "centrifuge"


class JavaScriptSDK(SDK):
    """What Node and a page have in common."""

    where: str

    def __init__(self, encoding: str, transport: str = "websocket") -> None:
        self.encoding = encoding
        self.transport = transport
        self.name = f"{self.where}-{encoding if transport == 'websocket' else transport}"

    @property
    def missing(self) -> str | None:
        if not PACKAGE.exists():
            return "centrifuge-js is not installed: npm ci --ignore-scripts in tests/hub/node"
        return None

    def options(self, address: Address, settings: Settings) -> dict[str, Any]:
        """What the driver needs to make a client."""
        options = asdict(settings)
        get_token = options.pop("get_token")
        return {
            **options,
            "asks_for_token": get_token is not None,
            "transport": self.transport,
            "endpoint": address.of(self.transport),
            "emulation": address.emulation,
            "protobuf": self.encoding == "protobuf",
        }


class JavaScriptClient(Client):
    """The half in Python.

    Args:
        tell: Gives the driver a command.
        settings: The client's.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], None], settings: Settings) -> None:
        super().__init__()
        self._tell = tell
        self._tokens: dict[str, GetToken | None] = {"": settings.get_token}
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count()

    def hear(self, what: dict[str, Any]) -> None:
        """Take what the driver says."""
        if "event" in what:
            self.note(what.pop("event"), what.pop("channel"), **what)
        elif "ask" in what:
            get_token = self._tokens[what["channel"]]
            assert get_token is not None
            self._tell({"answer": what["ask"], "token": get_token()})
        else:
            waiting = self._calls.pop(what["reply"])
            if waiting.done():
                return
            if "error" in what:
                waiting.set_exception(ReplyError(what["error"]["code"], what["error"]["message"]))
            else:
                waiting.set_result(what["result"])

    async def _ask(self, do: str, /, **arguments: Any) -> Any:
        number = next(self._ids)
        waiting = self._calls[number] = asyncio.get_running_loop().create_future()
        self._tell({"id": number, "do": do, "arguments": arguments})
        return await waiting

    async def make(self, options: dict[str, Any]) -> None:
        """Have the driver make the client."""
        await self._ask("make", **options)

    async def connect(self) -> None:
        await self._ask("connect")

    async def disconnect(self) -> None:
        await self._ask("disconnect")

    async def subscribe(
        self,
        channel: str,
        *,
        token: str = "",
        get_token: GetToken | None = None,
        data: Any = None,
        delta: bool = False,
        recoverable: bool = False,
        positioned: bool = False,
        join_leave: bool = False,
    ) -> None:
        self._tokens[channel] = get_token
        await self._ask(
            "subscribe",
            channel=channel,
            token=token,
            asks_for_token=get_token is not None,
            data=data,
            delta=delta,
            recoverable=recoverable,
            positioned=positioned,
            join_leave=join_leave,
        )

    async def unsubscribe(self, channel: str) -> None:
        await self._ask("unsubscribe", channel=channel)

    async def call(self, method: str, /, **arguments: Any) -> dict[str, Any]:
        return await self._ask(method, **arguments)


class NodeSDK(JavaScriptSDK):
    """On Node, over WebSocket (`ws`) or HTTP streaming (its own fetch)."""

    where = "node"

    @property
    def missing(self) -> str | None:
        return super().missing or (None if shutil.which("node") else "there is no Node.js")

    @contextlib.asynccontextmanager
    async def client(self, address: Address, settings: Settings) -> AsyncIterator[Client]:
        process = await asyncio.create_subprocess_exec(
            "node",
            str(FOLDER / "client.mjs"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        commands, lines = process.stdin, process.stdout
        assert commands is not None
        assert lines is not None
        client = JavaScriptClient(lambda what: commands.write(json.dumps(what).encode() + b"\n"), settings)

        async def read() -> None:
            while line := await lines.readline():
                client.hear(json.loads(line))

        reading = asyncio.create_task(read())
        try:
            await client.make(self.options(address, settings))
            yield client
        finally:
            commands.close()  # which ends the script
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
            await reading
