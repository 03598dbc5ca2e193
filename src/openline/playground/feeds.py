"""The way of the records from the taps to the inspectors: a bounded queue for each page that looks at its line."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Collection, Generator
from contextlib import contextmanager

from openline import ServerConnection
from openline.playground.tap import Record

MAX_WAITING = 512  # records that wait for the inspector's line; then the oldest go, and are counted
MAX_BATCH = 64  # records in one message to the page


class Feed:
    """Records that wait to be shown to one page.

    Where more than `MAX_WAITING` wait, the oldest are dropped, and the next batch begins by saying how many.

    Attributes:
        line: The line that the page works with; None while there is none.
        samples: Which samples its page may have sent on it.
    """

    def __init__(self) -> None:
        self.line: ServerConnection | None = None
        self.samples: Collection[str] = ()
        self._waiting: deque[Record] = deque()
        self._missed = 0
        self._filled = asyncio.Event()
        self._reader: object = None

    @property
    def waiting(self) -> int:
        """How many records wait."""
        return len(self._waiting)

    def put(self, record: Record) -> None:
        """Add a record; never waits."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(record)
        self._filled.set()

    async def batches(self) -> AsyncGenerator[list[Record]]:
        """Yield what comes, oldest first, up to `MAX_BATCH` records at a time.

        It ends when another reader begins: a page that lost its inspector's line has opened a new one.
        Cancel: safe between batches.
        """
        me = self._reader = object()
        self._filled.set()  # wakes the reader before, for it to see that it is no longer the one
        while True:
            await self._filled.wait()
            if self._reader is not me:
                return
            batch: list[Record] = [{"kind": "missed", "count": self._missed}] if self._missed else []
            self._missed = 0
            while self._waiting and len(batch) < MAX_BATCH:
                batch.append(self._waiting.popleft())
            if batch:
                yield batch
            else:
                self._filled.clear()


class Feeds:
    """The feeds in use, by token: one for each page, for as long as any of its lines lives."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}
        self._holders: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def put(self, token: str, record: Record) -> None:
        """Add a record to the page's feed; where nobody holds it, the record is dropped."""
        if (feed := self._feeds.get(token)) is not None:
            feed.put(record)

    @contextmanager
    def hold(self, token: str) -> Generator[Feed]:
        """Keep the page's feed for as long as the block runs."""
        try:
            yield self.take(token)
        finally:
            self.release(token)

    def take(self, token: str) -> Feed:
        """Keep the page's feed until `release`, which is to be called once for each call of this."""
        self._holders[token] = self._holders.get(token, 0) + 1
        return self._feeds.setdefault(token, Feed())

    def release(self, token: str) -> None:
        """Let it go; the last to do so takes it away."""
        self._holders[token] -= 1
        if not self._holders[token]:
            del self._holders[token], self._feeds[token]
