"""Frames that a visitor may ask for, to see each kind; sent on the very line that the page works with.

Texts are messages of the hub's JSON protocol, which clients hand to whoever listens: nobody does. On a line that speaks
something else only control frames are sent, since any other would mean something there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from openline import ServerConnection
from openline.protocol.close_codes import CloseCode

CONTROL = ("ping", "close")
TEXTS = ("fragments", "medium", "large")


async def send_sample(name: object, line: ServerConnection, allowed: Collection[str]) -> None:
    """Send the sample of this name on a line; one that is none, or not allowed there, does nothing.

    Raises:
        ConnectionClosed: The line is not open.
    """
    if isinstance(name, str) and name in allowed:
        await _SAMPLES[name](line)


async def _ping(line: ServerConnection) -> None:
    await line.ping()


async def _fragments(line: ServerConnection) -> None:
    await line.send(['{"push":{"message":', '{"data":"one message ', "in several ", 'frames"}}}'])


async def _medium(line: ServerConnection) -> None:
    await line.send(_padded(300))


async def _large(line: ServerConnection) -> None:
    await line.send(_padded(70_000))


async def _close(line: ServerConnection) -> None:
    await line.close(CloseCode.NORMAL_CLOSURE, "You asked for it")


def _padded(size: int) -> str:
    empty = '{"push":{"message":{"data":""}}}'
    return f"{empty[:-4]}{'.' * (size - len(empty))}{empty[-4:]}"


_SAMPLES: dict[str, Callable[[ServerConnection], Awaitable[None]]] = {
    "ping": _ping,
    "fragments": _fragments,
    "medium": _medium,  # its length takes 16 bits (RFC 6455 section 5.2) ...
    "large": _large,  # ... and this one's 64
    "close": _close,
}
