"""One connection to one Redis server: the seam to redis-py, with the little of it that is used.

redis-py connects, signs in, packs commands and parses replies (with hiredis, where that is installed). Its pools and
clients are not used: they hold a connection for one command at a time, while here many are on their way at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from redis.asyncio.connection import Connection
from redis.exceptions import RedisError, ResponseError

from openline.hub.redis.options import Settings

__all__ = [
    "LOST",
    "Argument",
    "Redirected",
    "Reply",
    "ResponseError",
    "Server",
    "ServerConnection",
    "code_of",
    "redirection",
]

Argument: TypeAlias = bytes | str | int
Reply: TypeAlias = "bytes | int | list[Reply] | None"

LOST = (RedisError, OSError, EOFError)
"""What is raised where a connection broke or could not be made. (So is `ResponseError`, which answers a command.)"""

_OLDEST = 7  # sharded pub/sub came with it


# Where redis-py has a class for an error, its text lacks the code.
_CODES = {
    "AskError": "ASK",
    "ClusterDownError": "CLUSTERDOWN",
    "MasterDownError": "MASTERDOWN",
    "MovedError": "MOVED",
    "NoScriptError": "NOSCRIPT",
    "ReadOnlyError": "READONLY",
    "TryAgainError": "TRYAGAIN",
}


class Redirected(Exception):
    """Another node of the Cluster is to be asked; this one did nothing.

    Attributes:
        host: Of that node; empty: the same as this one's.
        port: Of that node.
        moved: For good. Otherwise for this one command, which ``ASKING`` must precede.
    """

    def __init__(self, host: str, port: int, moved: bool) -> None:
        super().__init__(f"{host}:{port}")
        self.host = host
        self.port = port
        self.moved = moved


def code_of(error: ResponseError) -> str:
    """Return the first word of an error reply: ``READONLY``."""
    return _CODES.get(type(error).__name__) or str(error).partition(" ")[0]


def redirection(error: ResponseError) -> Redirected | None:
    """Read ``MOVED slot host:port`` and ``ASK slot host:port``; None: the error is another one."""
    code = code_of(error)
    if code not in ("MOVED", "ASK"):
        return None
    host, colon, port = str(error).rpartition(" ")[2].rpartition(":")
    return Redirected(host, int(port), code == "MOVED") if colon and port.isdecimal() else None


class Server(NamedTuple):
    """What a server says of itself.

    Attributes:
        run_id: Of its process: another one after each start.
        master: Whether it takes writes.
    """

    run_id: str
    master: bool


class ServerConnection:
    """A connection; `open` it once.

    Args:
        settings: Where to, and how.
        timeout: Seconds for `open`.
    """

    def __init__(self, settings: Settings, timeout: float) -> None:
        chosen = {
            **settings,
            "protocol": 2,
            "decode_responses": False,
            "socket_timeout": None,  # the link has a watch of its own
            "socket_connect_timeout": timeout,
            "health_check_interval": 0,
        }
        kind: Any = chosen.pop("connection_class", Connection)
        self._connection: Any = kind(**chosen)
        self._timeout = timeout

    async def open(self) -> None:
        """Connect and sign in.

        Raises:
            LOST: It did not work.
        """
        try:
            async with asyncio.timeout(self._timeout):
                await self._connection.connect()
        except BaseException as error:
            self.drop()
            if isinstance(error, TimeoutError):
                raise TimeoutError(f"no connection in {self._timeout:g} s") from None
            raise

    async def send(self, commands: Iterable[Sequence[Argument]]) -> None:
        """Send commands; returns when most of it has left this process."""
        if not self._connection.is_connected:
            # Asked to send, redis-py would connect once more, and the replies would be those of other commands.
            raise ConnectionError("the connection is lost")
        await self._connection.send_packed_command(
            self._connection.pack_commands(commands), check_health=False
        )

    async def read(self) -> Reply:
        """Return the next reply.

        Raises:
            ResponseError: The reply is an error.
            LOST: The connection broke.
        """
        return await self._connection.read_response(disable_decoding=True)

    async def ask(self, *command: Argument) -> Reply:
        """Send a command and return its reply, while nothing else is on the way."""
        async with asyncio.timeout(self._timeout):
            await self.send([command])
            return await self.read()

    async def identify(self) -> Server:
        """Ask the server who it is.

        Raises:
            ConnectionError: It is too old.
        """
        text = await self.ask("INFO")
        facts: dict[str, str] = {}
        if isinstance(text, bytes):
            for line in text.decode("utf-8", "replace").splitlines():
                name, _, value = line.partition(":")
                facts[name] = value
        version = facts.get("redis_version", "0")
        if int(version.split(".")[0]) < _OLDEST:
            raise ConnectionError(f"it is Redis {version}; {_OLDEST} or newer is needed, for sharded pub/sub")
        return Server(facts.get("run_id", ""), facts.get("role") == "master")

    def drop(self) -> None:
        """Close it now; what was not sent is thrown away, since a Redis that hangs would never take it. Idempotent."""
        writer = getattr(self._connection, "_writer", None)
        if writer is not None:
            writer.transport.abort()

    async def close(self) -> None:
        """`drop` it, and return when the socket is closed. Idempotent."""
        self.drop()
        await self._connection.disconnect(nowait=True)
        await asyncio.sleep(0)  # the transport closes its socket in the next turn
