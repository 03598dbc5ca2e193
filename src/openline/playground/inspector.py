"""The line inspector: shows a page the frames of its own line, which a browser hides from it.

A page invents a random token and opens two lines with it: the one it works with (``?inspect=TOKEN``) and the
inspector's. A `Tap` on the first (``ws.tap``) puts the beginning of each frame into the page's `Feed`; the second
carries it away, as JSON arrays of records, and takes wishes: ``{"ask": "ping"}`` has a sample sent on the first.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Collection
from contextlib import suppress
from typing import cast
from urllib.parse import parse_qs, urlsplit

from openline import ServerConnection
from openline.exceptions import ConnectionClosed
from openline.playground.feeds import Feed, Feeds
from openline.playground.samples import send_sample
from openline.playground.tap import Tap
from openline.protocol.close_codes import CloseCode
from openline.protocol.http11 import Request, Response

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 random bits in base64url
SAMPLE_PAUSE = 0.2  # seconds after a sample, in which the next wish waits


class Inspector:
    """The feeds of all pages that look at their lines."""

    def __init__(self) -> None:
        self._feeds = Feeds()
        self._numbers = itertools.count(1)

    def attach(self, line: ServerConnection, token: str) -> None:
        """Tap a line whose page watches it. Called before the handshake is answered, so that no frame is missed."""
        line.tap = Tap(next(self._numbers), lambda record: self._feeds.put(token, record))

    def refused(self, token: str, request: Request, seconds: float) -> None:
        """Record a handshake that was refused, since the page's line was cut."""
        Tap(next(self._numbers), lambda record: self._feeds.put(token, record)).refused(request, seconds)

    def opened(self, token: str, line: ServerConnection, samples: Collection[str]) -> None:
        """Record a line's handshake; its page may have these samples sent on it until `ended`, which must follow."""
        feed = self._feeds.take(token)
        feed.line, feed.samples = line, samples
        _tap_of(line).opened(*handshake_of(line), samples)

    def ended(self, token: str, line: ServerConnection) -> None:
        """Record a line's end."""
        _tap_of(line).closed(line.close_code, line.close_reason)
        feed = self._feeds.take(token)
        if feed.line is line:
            feed.line = None
        for _ in range(2):  # what is taken here, and what `opened` took
            self._feeds.release(token)

    async def show(self, line: ServerConnection) -> None:
        """Serve an inspector's own line: records go out as they come, wishes come in."""
        token = token_of(handshake_of(line)[0].path)
        if token is None:
            await line.close(CloseCode.POLICY_VIOLATION, "No token")
            return
        with self._feeds.hold(token) as feed:
            sending = asyncio.create_task(_send_batches(line, feed))
            try:
                async for message in line:
                    await _grant(message, feed)
            finally:
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending


async def _send_batches(line: ServerConnection, feed: Feed) -> None:
    with suppress(ConnectionClosed):
        async for batch in feed.batches():
            await line.send(json.dumps(batch, separators=(",", ":")))
        await line.close(CloseCode.POLICY_VIOLATION, "The page has opened another inspector's line")


async def _grant(message: str | bytes, feed: Feed) -> None:
    try:
        wish: object = json.loads(message)
    except (ValueError, RecursionError):
        return
    if isinstance(wish, dict) and feed.line is not None:
        with suppress(ConnectionClosed):  # it may close between the wish and its fulfilment
            await send_sample(cast("dict[str, object]", wish).get("ask"), feed.line, feed.samples)
        await asyncio.sleep(SAMPLE_PAUSE)


def _tap_of(line: ServerConnection) -> Tap:
    tap = line.tap
    assert isinstance(tap, Tap)
    return tap


def handshake_of(line: ServerConnection) -> tuple[Request, Response]:
    """Return the two halves of an opening handshake; for handlers, which run after it."""
    assert line.request is not None
    assert line.response is not None
    return line.request, line.response


def token_of(path: str) -> str | None:
    """Return the token in a request's path; None where there is none that a page would invent."""
    try:
        query = parse_qs(urlsplit(path).query, max_num_fields=16)
    except ValueError:
        return None
    given = query.get("inspect", [""])[0]
    return given if TOKEN.fullmatch(given) else None
