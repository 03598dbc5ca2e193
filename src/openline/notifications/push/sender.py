"""`WebPush`: messages wait in a bounded queue, a few are sent at a time, some again."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp

from openline.notifications.push.endpoints import (
    BadSubscription,
    PrivateAddress,
    check_endpoint,
    open_socket,
    origin_of,
)
from openline.notifications.push.keys import VapidKeys, check_contact
from openline.notifications.push.message import MAX_PAYLOAD, Message, encrypt, header_fields

__all__ = ["PushCounters", "WebPush"]

logger = logging.getLogger("openline.notifications")

Gone = Callable[[], Awaitable[None]]
"""Called when a push service says that there is no such subscription any more."""


class PushCounters:
    """What happened since this `WebPush` was made; numbers that only grow.

    Attributes:
        sent: Messages that a push service took.
        gone: Those whose subscription was not there any more (404, 410).
        refused: Those whose endpoint is not public, or not https.
        failed: Those that a push service did not take, or that were given up.
        repeated: Requests that were made again later.
        dropped: Messages that found the queue full.
        needless: Those that an open page had acknowledged in time.
    """

    __slots__ = ("dropped", "failed", "gone", "needless", "refused", "repeated", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.gone = 0
        self.refused = 0
        self.failed = 0
        self.repeated = 0
        self.dropped = 0
        self.needless = 0


class _Job(NamedTuple):
    message: Message
    gone: Gone
    unless: Callable[[], Awaitable[bool]] | None
    tries: int = 0


class WebPush:
    """Sends messages to push services. One of these serves an application; it runs in one loop.

    Nothing here is kept when the process ends: a message that waits is lost then. What must not be lost is in the
    inbox; a push only says that there is something.

    Args:
        contact: Whom a push service may write to when something is wrong: ``mailto:ops@example.com``, or an https URL.
        keys: Who we are. None: the inbox that this is given to makes them once, and keeps them in its store.
        only_offline: Send only to who has no live connection to his inbox on any node. False: always.
        unacknowledged_after: Seconds after which who has one is sent it all the same, unless a device of his has
            acknowledged the notification by then: a laptop that was closed looks alive for a while. None: he is not;
            so it must be where clients do not acknowledge.
        concurrency: Requests at a time.
        max_waiting: Messages that may wait, those included that are to be sent again; one more is dropped, and counted.
        timeout: Seconds for one request, resolving and connecting included.
        retries: How often a message is sent again after 429, 5xx, or no answer.
        max_delay: Seconds until then, at most: a longer ``Retry-After`` gives the message up.
        allow_private_endpoints: Send also by http, and to addresses that are not public. For tests, and for a push
            service of one's own; never where strangers can register devices.
        tls: How push services are verified; None: as usual.

    Raises:
        ValueError: the contact is no URI of that kind, or a number is not above 0.

    Attributes:
        keys: The keys; None: not there yet.
        counters: What was counted.
    """

    def __init__(
        self,
        contact: str,
        *,
        keys: VapidKeys | None = None,
        only_offline: bool = True,
        unacknowledged_after: float | None = None,
        concurrency: int = 16,
        max_waiting: int = 10_000,
        timeout: float = 10.0,
        retries: int = 3,
        max_delay: float = 600.0,
        allow_private_endpoints: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if concurrency <= 0 or max_waiting <= 0 or timeout <= 0 or retries < 0 or max_delay <= 0:
            raise ValueError(
                "concurrency, max_waiting, timeout and max_delay must be above 0, retries at least 0"
            )
        if unacknowledged_after is not None and unacknowledged_after <= 0:
            raise ValueError("unacknowledged_after must be above 0, or None")
        check_contact(contact)
        self.keys = keys
        self.contact = contact
        self.only_offline = only_offline
        self.unacknowledged_after = unacknowledged_after
        self.allow_private_endpoints = allow_private_endpoints
        self.counters = PushCounters()
        self._concurrency = concurrency
        self._max_waiting = max_waiting
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._retries = retries
        self._max_delay = max_delay
        self._tls = tls
        self._client: aiohttp.ClientSession | None = None
        self._jobs: deque[_Job] = deque()
        self._later: dict[asyncio.TimerHandle, None] = {}
        self._patient: deque[tuple[float, _Job]] = deque()
        self._patience: asyncio.TimerHandle | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: asyncio.Event | None = None

    @property
    def waiting(self) -> int:
        """How many messages wait, those included that are to be sent later or again; not those that are being sent."""
        return len(self._jobs) + len(self._later) + len(self._patient)

    def post(
        self, message: Message, gone: Gone, *, unless: Callable[[], Awaitable[bool]] | None = None
    ) -> bool:
        """Have a message sent, soon. Called in the loop; returns at once.

        Args:
            message: The message.
            gone: Awaited when the push service says that the subscription is not there any more.
            unless: Send it only after ``unacknowledged_after`` seconds, and not if this is true then. None: send it
                now.

        Returns:
            False: the queue is full, and the message was dropped.

        Raises:
            ValueError: the payload is empty, or larger than 3,993 bytes.
        """
        if not 0 < len(message.payload) <= MAX_PAYLOAD:
            raise ValueError(f"a push message has 1 to {MAX_PAYLOAD} bytes, not {len(message.payload)}")
        if self.waiting >= self._max_waiting:
            if not self.counters.dropped:
                logger.warning("push messages are dropped: %d wait already", self.waiting)
            self.counters.dropped += 1
            return False
        job = _Job(message, gone, unless)
        if unless is None or self.unacknowledged_after is None:
            self._enqueue(job)
        else:
            # All have the same patience, so the first is always the next: one timer does for all.
            loop = asyncio.get_running_loop()
            self._patient.append((loop.time() + self.unacknowledged_after, job))
            if self._patience is None:
                self._patience = loop.call_later(self.unacknowledged_after, self._run_out)
        return True

    def _run_out(self) -> None:
        """The patience with some is at its end."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._patient and self._patient[0][0] <= now + 0.001:
            self._enqueue(self._patient.popleft()[1])
        self._patience = loop.call_at(self._patient[0][0], self._run_out) if self._patient else None

    async def drained(self) -> None:
        """Wait until nothing waits and nothing is being sent. Cancel: safe."""
        while self._workers or self.waiting:
            if self._idle is None:
                self._idle = asyncio.Event()
            self._idle.clear()
            await self._idle.wait()

    async def close(self) -> None:
        """End it: what waits is not sent any more. Idempotent; afterwards it may be used again."""
        for timer in self._later:
            timer.cancel()
        self._later.clear()
        self._jobs.clear()
        self._patient.clear()
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        if workers:
            await asyncio.wait(workers)
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _enqueue(self, job: _Job) -> None:
        self._jobs.append(job)
        if len(self._workers) < self._concurrency:
            worker = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._ended)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and worker.exception() is not None:
            logger.error("a push worker failed", exc_info=worker.exception())
        if self._idle is not None and not self._workers and not self.waiting:
            self._idle.set()

    async def _work(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            try:
                await self._deliver(job)
            except Exception:  # one message must not end the others
                self.counters.failed += 1
                logger.exception("a push message to %s failed", _host(job.message))

    async def _deliver(self, job: _Job) -> None:
        message = job.message
        if message.expires <= time.time():
            self.counters.failed += 1
            return
        if job.unless is not None and await job.unless():
            self.counters.needless += 1
            return
        try:
            check_endpoint(message.device.endpoint, allow_private=self.allow_private_endpoints)
            status, delay = await self._request(message)
        except (BadSubscription, PrivateAddress, aiohttp.InvalidURL) as error:
            self._refuse(message, error)
            return
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddress):
                self._refuse(message, error.os_error)
            else:
                self._repeat(job, f"{type(error.os_error).__name__}", None)
            return
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._repeat(job, type(error).__name__, None)
            return
        if 200 <= status < 300:
            self.counters.sent += 1
        elif status in (404, 410):
            self.counters.gone += 1
            await job.gone()
        elif status == 429 or status >= 500:
            self._repeat(job, f"status {status}", delay)
        else:
            self.counters.failed += 1
            logger.warning("a push message to %s was answered with status %d", _host(message), status)

    async def _request(self, message: Message) -> tuple[int, float | None]:
        # In a thread: a crowd of messages must not hold up the loop by what their encryption takes.
        body = await asyncio.get_running_loop().run_in_executor(None, encrypt, message)
        endpoint = message.device.endpoint
        if self.keys is None:
            raise RuntimeError("there are no VAPID keys: give them to WebPush, or it to an Inbox")
        authorization = self.keys.authorization(origin_of(endpoint), self.contact)
        fields = header_fields(message, authorization, time.time())
        async with self._session().post(
            endpoint, data=body, headers=fields, allow_redirects=False
        ) as response:
            # What the answer says besides is not for us, and might be endless: the connection ends with it.
            if response.content_length not in (0, None) or not response.content.at_eof():
                response.close()
            return response.status, _seconds(response.headers.get("Retry-After", ""))

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            connector = aiohttp.TCPConnector(
                limit=self._concurrency,
                ssl=True if self._tls is None else self._tls,
                socket_factory=None if self.allow_private_endpoints else open_socket,
            )
            self._client = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                trust_env=False,  # a proxy would connect to whatever address it likes
            )
        return self._client

    def _refuse(self, message: Message, error: Exception) -> None:
        self.counters.refused += 1
        logger.warning("no push message goes to %s: %s", _host(message), error)

    def _repeat(self, job: _Job, why: str, delay: float | None) -> None:
        """Send it again later, if that makes sense."""
        if delay is None:
            delay = min(2.0**job.tries, self._max_delay) * random.uniform(0.5, 1.0)
        if (
            job.tries >= self._retries
            or delay > self._max_delay
            or time.time() + delay >= job.message.expires
            or self.waiting >= self._max_waiting
        ):
            self.counters.failed += 1
            logger.warning("a push message to %s was given up: %s", _host(job.message), why)
            return
        self.counters.repeated += 1
        handles: list[asyncio.TimerHandle] = []

        def again() -> None:
            del self._later[handles[0]]
            self._enqueue(job._replace(tries=job.tries + 1))

        handles.append(asyncio.get_running_loop().call_later(delay, again))
        self._later[handles[0]] = None


def _host(message: Message) -> str:
    """What may stand in a log: the rest of an endpoint is a secret."""
    return urlsplit(message.device.endpoint).hostname or "?"


def _seconds(value: str) -> float | None:
    """Return what a ``Retry-After`` means (RFC 9110 section 10.2.3); None: nothing."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - time.time())
