"""Somebody on the playground's hub: a line that may be cut, and what he is told on it. A client of a few lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

from centrifuge.protocol import client_pb2

import openline
from openline.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

BACK = 0.2  # seconds between two tries to come back
PATIENCE = 30  # tries; a cut page is refused for five seconds


class CutOff(Exception):
    """The line ended before the answer came: whether the command was carried out is not known."""


class Refusal(Exception):
    """The hub has answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code


async def request(address: str, path: str, method: str = "GET") -> str:
    """Send a request by hand; returns the answer's head."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return head


async def new_cookie(address: str) -> str:
    """What a browser keeps after its first page."""
    head = await request(address, "/")
    line = next(line for line in head.split("\r\n") if line.startswith("Set-Cookie: "))
    return line.split()[1].rstrip(";")


class Guest:
    """A visitor with one line at a time.

    Args:
        address: ``host:port`` of the playground.
        cookie: Who he is.
        pushed: Called with each push, without its envelope; with protobuf with the bytes of each message.
        protobuf: The encoding.
    """

    def __init__(
        self, address: str, cookie: str, pushed: Callable[[Any], None], *, protobuf: bool = False
    ) -> None:
        self.address, self.cookie, self.protobuf = address, cookie, protobuf
        self.token = secrets.token_urlsafe(16)
        self._pushed = pushed
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._line: Any = None

    @contextlib.asynccontextmanager
    async def online(self, name: str) -> AsyncIterator[None]:
        """Be connected for as long as the block runs, or until the line is cut; tries until it is let in.

        Raises:
            CutOff: from what is asked in the block, once the line is gone.
        """
        kind = "protobuf" if self.protobuf else "json"
        url = f"ws://{self.address}/connection/websocket?inspect={self.token}&format={kind}"
        for tries in range(PATIENCE + 1):
            try:
                self._line = await openline.connect(
                    url, additional_headers={"Cookie": self.cookie}, max_size=None
                )
                break
            except (OSError, InvalidStatus):
                if tries == PATIENCE:
                    raise
                await asyncio.sleep(BACK)
        reading = asyncio.create_task(self._read(self._line))
        try:
            await self.ask(connect={"data": {"name": name}})
            yield
        finally:
            await self._line.close()
            await reading

    async def cut(self) -> None:
        """Have the server cut the line."""
        head = await request(self.address, f"/cut?inspect={self.token}", "POST")
        assert head.startswith("HTTP/1.1 204"), head

    async def ask(self, **command: Any) -> Any:
        """Send a command; returns its result.

        Raises:
            Refusal: the hub refused it.
            CutOff: the line has ended.
        """
        self._number += 1
        number = self._number
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._line.send(self._encode({"id": number, **command}))
            async with asyncio.timeout(20):
                return await answer
        except WebSocketException as error:
            raise CutOff from error
        finally:
            self._waiting.pop(number, None)

    async def rpc(self, method: str, data: Any = None) -> Any:
        """Call a method; returns what it returns."""
        return (await self.ask(rpc={"method": method, "data": data})).get("data")

    async def tell(self, message: bytes) -> None:
        """Send a message that is not answered (protobuf alone)."""
        command = client_pb2.Command(send=client_pb2.SendRequest(data=message))
        try:
            await self._line.send(_delimited(command))
        except WebSocketException as error:
            raise CutOff from error

    def _encode(self, command: dict[str, Any]) -> str | bytes:
        if not self.protobuf:
            return json.dumps(command)
        message = client_pb2.Command(id=command.pop("id"))
        for kind, fields in command.items():
            for name, value in fields.items():
                setattr(getattr(message, kind), name, json.dumps(value).encode() if name == "data" else value)
        return _delimited(message)

    async def _read(self, line: Any) -> None:
        try:
            async for frame in line:
                for reply in _replies(frame):
                    await self._take(line, reply)
        except ConnectionClosed:
            pass
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(CutOff())

    async def _take(self, line: Any, reply: dict[str, Any]) -> None:
        answer = self._waiting.get(reply.get("id", 0))
        if answer is not None and not answer.done():
            if error := reply.get("error"):
                answer.set_exception(Refusal(error["code"], error["message"]))
            else:
                answer.set_result(next((value for name, value in reply.items() if name != "id"), {}))
        elif "push" in reply:
            self._pushed(reply["push"])
        elif "id" not in reply:  # a ping of the protocol
            with contextlib.suppress(WebSocketException):
                await line.send(_delimited(client_pb2.Command()) if self.protobuf else "{}")


def _delimited(message: Any) -> bytes:
    data = message.SerializeToString()
    size, head = len(data), bytearray()
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*head, size]) + data


def _replies(frame: str | bytes) -> list[dict[str, Any]]:
    if isinstance(frame, str):
        return [json.loads(line) for line in frame.split("\n")]
    found: list[dict[str, Any]] = []
    at = 0
    while at < len(frame):
        size = shift = 0
        while True:
            byte = frame[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        reply = client_pb2.Reply.FromString(frame[at : at + size])
        at += size
        found.append(_plain(reply))
    return found


def _plain(reply: Any) -> dict[str, Any]:
    if reply.HasField("push"):
        return {"push": reply.push.message.data}
    if reply.HasField("error"):
        return {"id": reply.id, "error": {"code": reply.error.code, "message": reply.error.message}}
    if not reply.id:
        return {}
    return {"id": reply.id, "rpc": {"data": json.loads(reply.rpc.data or b"null")}}
