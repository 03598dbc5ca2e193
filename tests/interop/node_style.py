"""`ws` on Node, in processes of its own that are spoken to in lines of JSON."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from .ends import Client, Closing, Implementation, Server, Transport

FOLDER = Path(__file__).parent / "node"


class Process:
    """A running script: one JSON object a line, each way."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, script: str, **arguments: Any) -> AsyncIterator[Process]:
        process = await asyncio.create_subprocess_exec(
            "node",
            str(FOLDER / script),
            json.dumps(arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        try:
            yield cls(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()  # which ends the script
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
            # Its pipe is at its end, so that the loop has let go of it.
            assert process.stdout is not None
            await process.stdout.read()

    def tell(self, **what: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")

    async def hear(self, what: str) -> Any:
        """Wait for the line that has this key."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            heard = json.loads(line)
            if what in heard:
                return heard[what]
        raise EOFError(f"the script ended before it said {what!r}")


def pack(message: str | bytes) -> dict[str, str]:
    return {"text": message} if isinstance(message, str) else {"binary": base64.b64encode(message).decode()}


class NodeClient(Client):
    def __init__(self, process: Process, opened: dict[str, str]) -> None:
        self.process = process
        self.subprotocol = opened["protocol"] or None
        self.extensions = opened["extensions"] or None

    async def send(self, message: str | bytes) -> None:
        self.process.tell(send=[pack(message)])

    async def send_fragments(self, parts: list[str] | list[bytes]) -> None:
        self.process.tell(send=[pack(part) for part in parts])

    async def recv(self) -> str | bytes:
        message = await self.process.hear("message")
        return message["text"] if "text" in message else base64.b64decode(message["binary"])

    async def ping(self, payload: bytes) -> None:
        self.process.tell(ping=base64.b64encode(payload).decode())
        assert base64.b64decode(await self.process.hear("pong")) == payload

    async def close(self, code: int, reason: str) -> None:
        self.process.tell(close=[code, reason])
        await self.closed()

    async def closed(self) -> Closing:
        code, reason = await self.process.hear("closed")
        return code, reason


class Node(Implementation):
    name = "ws"
    lacks: dict[str, str] = {}  # noqa: RUF012

    @contextlib.asynccontextmanager
    async def server(self, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Server]:
        echo = Server("")
        arguments = {
            "folder": str(transport.folder) if transport.server_tls else None,
            "deflate": transport.deflate,
            "subprotocols": subprotocols,
        }

        async def listen(process: Process) -> None:
            while True:
                code, reason = await process.hear("closed")
                echo.closings.put_nowait((code, reason))

        async with Process.running("server.mjs", **arguments) as process:
            echo.uri = transport.uri(await process.hear("port"))
            listening = asyncio.ensure_future(listen(process))
            try:
                yield echo
            finally:
                listening.cancel()
                await asyncio.wait([listening])

    @contextlib.asynccontextmanager
    async def client(self, uri: str, transport: Transport, subprotocols: list[str]) -> AsyncIterator[Client]:
        arguments = {
            "uri": uri,
            "folder": str(transport.folder) if transport.client_tls else None,
            "deflate": transport.deflate,
            "subprotocols": subprotocols,
        }
        async with Process.running("client.mjs", **arguments) as process:
            yield NodeClient(process, await process.hear("open"))
