"""A client that says exactly what it is told: frames of the client protocol in both encodings, over one WebSocket.

Commands and replies are plain dicts with the protocol's names, and payloads are Python values, in either encoding.
Protobuf is what the official SDK's generated messages make of it, so that our own numbers are held against theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import centrifuge.protocol.client_pb2 as messages
from google.protobuf.message import Message

import openline
from openline import ClientConnection, ConnectionClosed
from openline.hub import Hub

ENCODINGS = ("json", "protobuf")
PATIENCE = 10.0
"""Seconds after which something that should come counts as missing."""


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    data = b""
    while number > 127:
        data += bytes([number & 127 | 128])
        number >>= 7
    return data + bytes([number])


def _fill(message: Message, values: dict[str, Any]) -> None:
    for name, value in values.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            entries = getattr(message, name)
            for key, entry in value.items():
                if field.message_type.fields_by_name["value"].message_type is None:
                    entries[key] = entry
                else:
                    entries[key].SetInParent()
                    _fill(entries[key], entry)
        elif field.message_type is not None:
            part = getattr(message, name)
            part.SetInParent()
            _fill(part, value)
        elif field.type == field.TYPE_BYTES:
            setattr(message, name, json.dumps(value).encode())
        else:
            setattr(message, name, value)


def _read(message: Message) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            nested = field.message_type.fields_by_name["value"].message_type is not None
            values[field.name] = {key: _read(entry) if nested else entry for key, entry in value.items()}
        elif field.message_type is not None:
            values[field.name] = [_read(part) for part in value] if field.is_repeated else _read(value)
        elif field.type == field.TYPE_BYTES:
            values[field.name] = _payload(value)
        else:
            values[field.name] = value
    return values


def _payload(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


def encode(commands: tuple[dict[str, Any], ...], encoding: str) -> str | bytes:
    """One frame of these commands."""
    if encoding == "json":
        return "\n".join(json.dumps(command, ensure_ascii=False) for command in commands)
    frame = b""
    for command in commands:
        message = messages.Command()
        _fill(message, command)
        data = message.SerializeToString()
        frame += varint(len(data)) + data
    return frame


def decode(frame: str | bytes, encoding: str) -> list[dict[str, Any]]:
    """The replies in a frame."""
    if encoding == "json":
        assert isinstance(frame, str), "a JSON frame is text"
        lines = frame.split("\n")
        if not lines[-1]:
            lines.pop()
        return [json.loads(line) for line in lines]
    assert isinstance(frame, bytes), "a protobuf frame is binary"
    replies: list[dict[str, Any]] = []
    at = 0
    while at < len(frame):
        size = shift = 0
        while True:
            byte = frame[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        assert at + size <= len(frame), "a reply ends within its frame"
        replies.append(_read(messages.Reply.FromString(frame[at : at + size])))
        at += size
    return replies


class Closed(Exception):
    """The server ended the connection while something was awaited."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}")


class Wire:
    """One client.

    Attributes:
        ws: The WebSocket.
        encoding: ``json`` or ``protobuf``.
        log: Every reply that came, in order.
        client: Its id, once connected.
    """

    def __init__(self, ws: ClientConnection, encoding: str) -> None:
        self.ws = ws
        self.encoding = encoding
        self.log: list[dict[str, Any]] = []
        self.client = ""
        self._unread: deque[dict[str, Any]] = deque()
        self._ids = itertools.count(1)

    async def send(self, *commands: dict[str, Any]) -> None:
        """Send commands, as they are, in one frame."""
        await self.ws.send(encode(commands, self.encoding))

    async def send_raw(self, frame: str | bytes) -> None:
        """Send a frame."""
        await self.ws.send(frame)

    def number(self) -> int:
        """The next id of a command."""
        return next(self._ids)

    async def next(self) -> dict[str, Any]:
        """The next reply or push; pings are no such thing here (see `ping`)."""
        while reply := await self.any():
            return reply
        return await self.next()

    async def any(self) -> dict[str, Any]:
        """The next of all that comes; a ping is empty.

        Raises:
            Closed: nothing comes any more.
        """
        if not self._unread:
            try:
                async with asyncio.timeout(PATIENCE):
                    frame = await self.ws.recv()
            except ConnectionClosed as error:
                received = error.rcvd
                raise Closed(
                    received.code if received else 1006, received.reason if received else ""
                ) from None
            replies = decode(frame, self.encoding)
            assert replies, "an empty frame"
            self._unread.extend(replies)
        reply = self._unread.popleft()
        self.log.append(reply)
        return reply

    async def push(self, kind: str = "", channel: str = "") -> dict[str, Any]:
        """The next push must be of this kind and channel; returns what it says."""
        reply = await self.next()
        assert set(reply) == {"push"}, f"a push was due, not {reply}"
        push = reply["push"]
        assert push.get("channel", "") == channel, push
        assert kind in push, f"{kind} was due: {push}"
        return push[kind]

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Send one command, and return its reply; what comes before stays to be read.

        Returns:
            The reply, without its id.
        """
        number = self.number()
        await self.send({"id": number, **command})
        return await self.reply(number)

    async def reply(self, number: int) -> dict[str, Any]:
        """The reply with this id; what comes before stays to be read."""
        passed: list[dict[str, Any]] = []
        try:
            while True:
                reply = await self.any()
                if reply.get("id") == number:
                    return {name: value for name, value in reply.items() if name != "id"}
                passed.append(reply)
        finally:
            self._unread.extendleft(reversed(passed))

    async def result(self, **command: Any) -> dict[str, Any]:
        """The same for a command that must succeed; returns its result."""
        (name,) = command
        reply = await self.ask(**command)
        assert set(reply) == {name}, reply
        return reply[name]

    async def error(self, **command: Any) -> int:
        """The same for a command that must fail; returns the code."""
        reply = await self.ask(**command)
        assert set(reply) == {"error"}, reply
        assert reply["error"]["message"]
        return reply["error"]["code"]

    async def connect(self, **request: Any) -> dict[str, Any]:
        """Connect; returns the result."""
        result = await self.result(connect=request)
        self.client = result["client"]
        return result

    async def subscribe(self, channel: str, **request: Any) -> dict[str, Any]:
        """Subscribe; returns the result."""
        return await self.result(subscribe={"channel": channel, **request})

    async def closed(self) -> int:
        """The code with which the server ends the connection; what comes before is ignored."""
        try:
            while True:
                await self.any()
        except Closed as closed:
            return closed.code

    async def synchronous(self) -> None:
        """Return when all that was sent before is done: a command that changes nothing was answered."""
        await self.ask(unsubscribe={"channel": "nowhere"})

    async def nothing(self) -> None:
        """Fail if anything but pings came, up to now."""
        await self.synchronous()
        came = [reply for reply in self._unread if reply]
        assert came == []


@contextlib.asynccontextmanager
async def serving(hub: Hub) -> AsyncIterator[str]:
    """Serve a hub; gives the address of its WebSocket."""
    async with openline.serve(hub, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/connection/websocket"


@contextlib.asynccontextmanager
async def opened(address: str, encoding: str, **options: Any) -> AsyncIterator[Wire]:
    """A WebSocket on which nothing was said yet."""
    subprotocols = ["centrifuge-protobuf"] if encoding == "protobuf" else None
    async with openline.connect(address, subprotocols=subprotocols, max_size=2**24, **options) as ws:
        yield Wire(ws, encoding)


@contextlib.asynccontextmanager
async def connected(address: str, encoding: str, user: str = "", **request: Any) -> AsyncIterator[Wire]:
    """A client that has connected; where the hub is `named_hub`, as this user."""
    async with opened(address, encoding) as wire:
        if user:
            request.setdefault("data", {"user": user})
        await wire.connect(**request)
        yield wire


def named_hub(broker: Any = None, **options: Any) -> Hub:
    """A hub that believes what clients say of themselves in the data of their connect."""
    hub = Hub(broker, **options)

    @hub.on_connect
    def who(session: Any, data: Any) -> Any:
        return (data or {}).get("user", "")

    return hub
