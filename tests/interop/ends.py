"""What each implementation must offer here: an echo server and a client, behind one small interface.

The echo server answers a few texts in its own way, so that it can be made to act first:

    ``close CODE REASON``   it closes the connection
    ``fragments``           it sends one message in three fragments
    ``ping PAYLOAD``        it pings, and says ``pong PAYLOAD`` once that was answered

Every other message is sent back.
"""

from __future__ import annotations

import abc
import asyncio
import ssl
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

MAX_SIZE = 4 * 2**20
PATIENCE = 10.0  # seconds

FRAGMENTS = ["one, ", "two, ", "three"]

Closing = tuple[int, str]


@dataclass(frozen=True)
class Transport:
    """How two ends meet.

    Args:
        server_tls: For the server. None: no TLS.
        client_tls: For the client. None: no TLS.
        folder: Where ``cert.pem``, ``key.pem`` and ``ca.pem`` stand, for ends outside this process.
        deflate: Both ends are willing to use permessage-deflate.
    """

    server_tls: ssl.SSLContext | None
    client_tls: ssl.SSLContext | None
    folder: Path
    deflate: bool

    @property
    def scheme(self) -> str:
        return "ws" if self.server_tls is None else "wss"

    def uri(self, port: int) -> str:
        return f"{self.scheme}://localhost:{port}/"


@dataclass
class Server:
    """A running echo server, and how its connections ended as it saw it."""

    uri: str
    closings: asyncio.Queue[Closing] = field(default_factory=asyncio.Queue)


class Client(abc.ABC):
    """A connected client."""

    subprotocol: str | None
    extensions: str | None  # the Sec-WebSocket-Extensions header of the response

    @abc.abstractmethod
    async def send(self, message: str | bytes) -> None: ...

    @abc.abstractmethod
    async def send_fragments(self, parts: list[str] | list[bytes]) -> None: ...

    @abc.abstractmethod
    async def recv(self) -> str | bytes: ...

    @abc.abstractmethod
    async def ping(self, payload: bytes) -> None:
        """Ping, and wait for the answer."""

    @abc.abstractmethod
    async def close(self, code: int, reason: str) -> None: ...

    @abc.abstractmethod
    async def closed(self) -> Closing:
        """Wait for the end; what the Close frame of the server said."""


class Implementation(abc.ABC):
    """A WebSocket library."""

    name: str
    # What it cannot do, and the words for it: "fragments", "deflate", "server ping", ...
    lacks: dict[str, str]

    @abc.abstractmethod
    def server(
        self, transport: Transport, subprotocols: list[str]
    ) -> AbstractAsyncContextManager[Server]: ...

    @abc.abstractmethod
    def client(
        self, uri: str, transport: Transport, subprotocols: list[str]
    ) -> AbstractAsyncContextManager[Client]: ...


def parse_command(message: str | bytes) -> tuple[str, str]:
    """Split a message into command and argument; the command is empty where the message is to be echoed."""
    if isinstance(message, str):
        command, _, argument = message.partition(" ")
        if command in ("close", "fragments", "ping"):
            return command, argument
    return "", ""


def parse_closing(argument: str) -> Closing:
    code, _, reason = argument.partition(" ")
    return int(code), reason
