"""Messages to a push service, and its answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from openline.notifications.push import VapidKeys, WebPush, sender
from openline.notifications.push.endpoints import parse_subscription
from openline.notifications.push.message import MAX_PAYLOAD, Message
from tests.conftest import reserved_port
from tests.notifications.push.push_service import CONTACT, Browser, PushService, push_service

KEYS = VapidKeys.generate()
NEVER = time.time() + 86400


async def nothing() -> None:
    """Nobody need know."""


def message(browser: Browser, payload: bytes = b'"hello"', **options: Any) -> Message:
    device = parse_subscription(browser.subscription(), allow_private=True)
    return Message(device, payload, **{"expires": NEVER, **options})


@contextlib.asynccontextmanager
async def pushing(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, **options: Any
) -> AsyncIterator[tuple[PushService, WebPush]]:
    options = {"allow_private_endpoints": True, "tls": client_tls, "retries": 1, **options}
    async with push_service(KEYS.public_key, server_tls) as service:
        push = WebPush(CONTACT, keys=KEYS, **options)
        try:
            yield service, push
        finally:
            await push.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent again need not wait, where the push service does not say how long."""
    monkeypatch.setattr(sender.random, "uniform", lambda low, high: 0.0)


async def test_a_message_arrives_encrypted_and_signed(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls) as (service, push):
        browser = service.browser("ada")
        assert push.post(message(browser, urgency="high", collapse="build"), nothing)
        await push.drained()
        (received,) = service.received
        assert service.refused == []
        assert received.payload == b'"hello"'
        assert received.headers["Urgency"] == "high"
        assert len(received.headers["Topic"]) == 32
        assert received.claims["aud"] == service.origin
        assert (push.counters.sent, push.waiting) == (1, 0)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_is_told(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, status: int
) -> None:
    async with pushing(server_tls, client_tls) as (service, push):
        gone: list[str] = []

        async def remove() -> None:
            gone.append("ada")

        service.answer("ada", status)
        push.post(message(service.browser("ada")), remove)
        await push.drained()
        assert gone == ["ada"]
        assert (push.counters.gone, push.counters.sent, push.counters.repeated) == (1, 0, 0)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_who_is_asked_to_come_later_does(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, status: int
) -> None:
    async with pushing(server_tls, client_tls) as (service, push):
        service.answer("ada", status, Retry_After="0")
        push.post(message(service.browser("ada")), nothing)
        await push.drained()
        assert len(service.received) == 1
        assert (push.counters.sent, push.counters.repeated, push.counters.failed) == (1, 1, 0)


async def test_retry_after_is_waited_for(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with pushing(server_tls, client_tls) as (service, push):
        service.answer("ada", 429, Retry_After="2")
        began = time.monotonic()
        push.post(message(service.browser("ada")), nothing)
        await push.drained()
        assert push.counters.sent == 1
        assert time.monotonic() - began >= 1.9


async def test_what_would_take_too_long_is_given_up(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls, max_delay=60.0) as (service, push):
        service.answer("late", 429, Retry_After="61")
        service.answer("over", 429, Retry_After="50")
        service.answer("again", 500)
        service.answer("again", 500)
        push.post(message(service.browser("late")), nothing)
        push.post(message(service.browser("over"), expires=time.time() + 40), nothing)
        push.post(message(service.browser("again")), nothing)
        push.post(message(service.browser("expired"), expires=time.time() - 1), nothing)
        await push.drained()
        assert (push.counters.failed, push.counters.repeated, push.counters.sent) == (4, 1, 0)
        assert service.received == []


@pytest.mark.parametrize("status", [400, 401, 403, 413, 302])
async def test_what_is_not_taken_is_not_sent_again(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, status: int
) -> None:
    async with pushing(server_tls, client_tls) as (service, push):
        service.answer("ada", status, Location=f"{service.origin}/elsewhere")
        push.post(message(service.browser("ada")), nothing)
        await push.drained()
        assert (push.counters.failed, push.counters.repeated) == (1, 0)
        assert service.redirected == 0


async def test_nobody_there_is_tried_again(client_tls: ssl.SSLContext) -> None:
    push = WebPush(CONTACT, keys=KEYS, allow_private_endpoints=True, tls=client_tls, retries=2)
    with reserved_port() as port:
        push.post(message(Browser(f"https://localhost:{port}/push/ada")), nothing)
        await push.drained()
    assert (push.counters.repeated, push.counters.failed) == (2, 1)
    await push.close()


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(server_tls: ssl.SSLContext) -> None:
    async with push_service(KEYS.public_key, server_tls) as service:
        push = WebPush(CONTACT, keys=KEYS, allow_private_endpoints=True, retries=0)
        push.post(message(service.browser("ada")), nothing)
        await push.drained()
        await push.close()
        assert push.counters.failed == 1
        assert service.received == []


async def test_a_silent_push_service_is_not_waited_for(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls, timeout=0.2, retries=0) as (service, push):
        service.hold = asyncio.Event()
        push.post(message(service.browser("ada")), nothing)
        await push.drained()
        assert push.counters.failed == 1
        service.hold.set()


# Where messages go.


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1"])
async def test_nothing_goes_to_a_private_address(client_tls: ssl.SSLContext, host: str) -> None:
    """However it is written: the listener must not even see a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        push = WebPush(CONTACT, keys=KEYS, tls=client_tls, retries=0)
        browser = Browser(f"https://{host}:{port}/push/ada")
        push.post(message(browser), nothing)
        await push.drained()
        await push.close()
        assert (push.counters.refused, push.counters.sent) == (1, 0)
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_a_name_that_turns_private_gains_nothing(
    monkeypatch: pytest.MonkeyPatch, client_tls: ssl.SSLContext
) -> None:
    """DNS rebinding: what counts is the address that is connected to, not what the name meant before."""
    loop = asyncio.get_running_loop()
    asked: list[str] = []

    async def rebound(host: str, port: int, **options: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", rebound)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        push = WebPush(CONTACT, keys=KEYS, tls=client_tls, retries=0)
        push.post(message(Browser(f"https://push.example:{listener.getsockname()[1]}/x")), nothing)
        await push.drained()
        await push.close()
        assert asked == ["push.example"]
        assert push.counters.refused == 1
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_plain_http_is_refused_unless_allowed() -> None:
    async with push_service(KEYS.public_key, None) as service:
        for allowed, counted in ((False, (1, 0)), (True, (0, 1))):
            push = WebPush(CONTACT, keys=KEYS, allow_private_endpoints=allowed)
            push.post(message(service.browser("ada")), nothing)
            await push.drained()
            await push.close()
            assert (push.counters.refused, push.counters.sent) == counted


# Bounds.


async def test_only_so_many_at_a_time_and_so_many_wait(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls, concurrency=3, max_waiting=10) as (service, push):
        browser = service.browser("ada")
        assert [push.post(message(browser), nothing) for _ in range(12)] == [True] * 10 + [False] * 2
        await push.drained()
        assert (push.counters.sent, push.counters.dropped) == (10, 2)
        assert service.busiest <= 3
        assert push.post(message(browser), nothing)
        await push.drained()
        assert push.counters.sent == 11


async def test_one_that_fails_does_not_end_the_others(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls, concurrency=1) as (service, push):

        async def fail() -> None:
            raise RuntimeError("the store is down")

        service.answer("gone", 410)
        push.post(message(service.browser("gone")), fail)
        push.post(message(service.browser("ada")), nothing)
        await push.drained()
        assert (push.counters.gone, push.counters.failed, push.counters.sent) == (1, 1, 1)


async def test_who_seems_to_be_there_has_some_time(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls, unacknowledged_after=0.05) as (service, push):
        asked: list[str] = []

        def has_seen(name: str, answer: bool) -> Any:
            async def unless() -> bool:
                asked.append(name)
                return answer

            return unless

        for name, answer in (("ada", True), ("bob", False), ("eve", True)):
            push.post(message(service.browser(name)), nothing, unless=has_seen(name, answer))
        assert (asked, push.waiting) == ([], 3)
        await push.drained()
        assert asked == ["ada", "bob", "eve"]
        assert [one.path for one in service.received] == ["/push/bob"]
        assert (push.counters.needless, push.counters.sent) == (2, 1)
        push.post(message(service.browser("ada")), nothing, unless=has_seen("ada", False))
        await push.close()
        assert push.waiting == 0


async def test_closing_forgets_what_waits(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with pushing(server_tls, client_tls, concurrency=1) as (service, push):
        service.answer("later", 429, Retry_After="30")
        push.post(message(service.browser("later")), nothing)
        async with service.arrived:
            await service.arrived.wait_for(lambda: not service.answers["/push/later"])
        push.post(message(service.browser("ada")), nothing)
        push.post(message(service.browser("ada")), nothing)
        await push.close()
        await push.close()
        assert push.waiting == 0
        push.post(message(service.browser("ada")), nothing)
        await push.drained()
        assert push.counters.sent >= 1


@pytest.mark.parametrize("payload", [b"", b"x" * (MAX_PAYLOAD + 1)])
async def test_a_payload_must_fit(payload: bytes) -> None:
    push = WebPush(CONTACT, keys=KEYS)
    with pytest.raises(ValueError, match="3993"):
        push.post(message(Browser("https://push.example/x"), payload), nothing)


@pytest.mark.parametrize(
    "options",
    [{"concurrency": 0}, {"timeout": 0}, {"retries": -1}, {"max_waiting": 0}, {"unacknowledged_after": 0}],
)
def test_numbers_must_make_sense(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        WebPush(CONTACT, keys=KEYS, **options)
    with pytest.raises(ValueError, match="contact"):
        WebPush("nobody")


def test_retry_after_is_seconds_or_a_date_rfc_9110() -> None:
    assert sender._seconds("120") == 120.0
    assert sender._seconds("9" * 100) == 999_999_999.0
    assert sender._seconds("") is None
    assert sender._seconds("soon") is None
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < (sender._seconds(date) or 0) <= 60
    assert sender._seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
