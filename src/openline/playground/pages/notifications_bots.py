"""A postman who brings what was ordered for later, and now and then something of his own."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
import time
from collections.abc import Callable
from typing import Any

from openline.hub import ErrorCode, Refused
from openline.hub.stores.base import StoreDown
from openline.notifications import Inbox
from openline.playground.pages.notifications_orders import Order

__all__ = ["Postman"]

logger = logging.getLogger("openline.playground")

MAX_ORDERS = 1000  # that wait, of all visitors
MAX_ORDERS_OF_ONE = 10
MAX_VISITED = 200  # visitors whom the postman calls on at a time
VISITS = 20  # then he goes home
BETWEEN = (5.0, 9.0)  # seconds
NEWS_EVERY = 30.0  # seconds
NEWS_TTL = 300.0

_WORDS = {
    "mentions": (
        ("Mira mentioned you", "“Could you look at the last three lines?”"),
        ("Tomás replied", "“Agreed. Let us do it on Thursday.”"),
        ("Yuki asked you something", "“Is the door code still the old one?”"),
    ),
    "builds": (
        ("main is green", "412 tests passed in 96 s"),
        ("Your build failed", "test_reconnect: the line was not there"),
        ("Release 2.4 is out", "Signed and uploaded"),
    ),
    "offers": (
        ("Only today", "Two teapots for the price of three"),
        ("We miss you", "It has been eleven minutes"),
    ),
}
_NEWS = (
    ("Bees can count to four", "And know nothing, too: they understand zero"),
    ("A train was early", "Passengers report mixed feelings"),
    ("Lake found where the map said", "Cartographers relieved"),
    ("Local server up for 1,000 days", "Nobody dares to touch it"),
)


class Postman:
    """Sends later, and by himself.

    Args:
        inbox: Where to.
        clock: Seconds that only grow.
    """

    def __init__(self, inbox: Inbox, clock: Callable[[], float] = time.monotonic) -> None:
        self._inbox = inbox
        self._clock = clock
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, str, Order | None]] = []
        self._visited: dict[str, int] = {}
        self._more = asyncio.Event()

    def later(self, delay: float, user: str, order: Order) -> None:
        """Send it after so many seconds.

        Raises:
            Refused: 106, too much waits already.
        """
        of_one = sum(1 for _, _, other, wanted in self._waiting if other == user and wanted is not None)
        if of_one >= MAX_ORDERS_OF_ONE or len(self._waiting) >= MAX_ORDERS + MAX_VISITED:
            raise Refused(ErrorCode.LIMIT_EXCEEDED, "Too much waits already: let some of it arrive.")
        self._push(delay, user, order)

    def visit(self, user: str, on: bool) -> None:
        """Call on somebody `VISITS` times, or not any more.

        Raises:
            Refused: 106, there are too many.
        """
        if not on:
            self._visited.pop(user, None)
        elif user not in self._visited:
            if len(self._visited) >= MAX_VISITED:
                raise Refused(ErrorCode.LIMIT_EXCEEDED, "The postman has too many to call on.")
            self._visited[user] = VISITS
            if not any(other == user and order is None for _, _, other, order in self._waiting):
                self._push(1.0, user, None)

    def left(self, user: str) -> int:
        """Return how often he will still come; 0: he does not."""
        return self._visited.get(user, 0)

    async def run(self) -> None:
        """Go round, for ever. Cancel: safe; what waits is forgotten."""
        news = self._clock() + 3.0
        while True:
            due = min(news, self._waiting[0][0] if self._waiting else news)
            self._more.clear()
            try:
                async with asyncio.timeout(max(due - self._clock(), 0.0)):
                    await self._more.wait()
            except TimeoutError:
                pass
            now = self._clock()
            while self._waiting and self._waiting[0][0] <= now:
                _, _, user, order = heapq.heappop(self._waiting)
                await self._bring(user, order)
            if news <= now:
                news = now + NEWS_EVERY
                title, text = random.choice(_NEWS)
                await self._try(self._inbox.publish("news", {"title": title, "text": text}, ttl=NEWS_TTL))

    def _push(self, delay: float, user: str, order: Order | None) -> None:
        heapq.heappush(self._waiting, (self._clock() + delay, next(self._numbers), user, order))
        self._more.set()

    async def _bring(self, user: str, order: Order | None) -> None:
        if order is not None:
            what = {"title": order.title, "text": order.text}
            await self._try(
                self._inbox.send(
                    user, what, topic=order.topic, ttl=order.ttl, id=f"own.{order.key}", urgency="high"
                )
            )
            return
        left = self._visited.get(user, 0)
        if not left:
            return
        topic = random.choice(list(_WORDS))
        title, text = random.choice(_WORDS[topic])
        await self._try(self._inbox.send(user, {"title": title, "text": text}, topic=topic))
        if left > 1:
            self._visited[user] = left - 1
            self._push(random.uniform(*BETWEEN), user, None)
        else:
            del self._visited[user]

    async def _try(self, sending: Any) -> None:
        try:
            await sending
        except StoreDown as error:
            logger.warning("the postman cannot write: %s", error)
        except Exception:  # what one visitor has ordered must not end the round for all
            logger.exception("the postman could not bring something")
