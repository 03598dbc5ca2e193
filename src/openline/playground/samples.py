"""Frames that a visitor may ask for, to see each kind; sent on the very line that the page works with."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable

from openline import ServerConnection
from openline.protocol.close_codes import CloseCode


async def send_sample(name: object, line: ServerConnection) -> None:
    """Send the sample of this name on a line; a name that is none does nothing.

    Text is a JSON object of type "sample", which the pages pass over.

    Raises:
        ConnectionClosed: The line is not open.
    """
    if isinstance(name, str) and name in _SAMPLES:
        await _SAMPLES[name](line)


async def _ping(line: ServerConnection) -> None:
    await line.ping()


async def _fragments(line: ServerConnection) -> None:
    await line.send(['{"type":"sample",', '"text":"one message ', "in several ", 'frames"}'])


async def _binary(line: ServerConnection) -> None:
    await line.send(secrets.token_bytes(24))


async def _medium(line: ServerConnection) -> None:
    await line.send(_padded(300))


async def _large(line: ServerConnection) -> None:
    await line.send(_padded(70_000))


async def _close(line: ServerConnection) -> None:
    await line.close(CloseCode.NORMAL_CLOSURE, "You asked for it")


def _padded(size: int) -> str:
    empty = json.dumps({"type": "sample", "padding": ""})
    return json.dumps({"type": "sample", "padding": "." * (size - len(empty))})


_SAMPLES: dict[str, Callable[[ServerConnection], Awaitable[None]]] = {
    "ping": _ping,
    "fragments": _fragments,
    "binary": _binary,
    "medium": _medium,  # its length takes 16 bits (RFC 6455 section 5.2) ...
    "large": _large,  # ... and this one's 64
    "close": _close,
}
