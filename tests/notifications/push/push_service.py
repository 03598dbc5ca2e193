"""A push service on 127.0.0.1, and a browser that can read what it gets: real HTTP, TLS, decryption and signatures."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import http_ece
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CONTACT = "mailto:ops@example.com"


class Received(NamedTuple):
    """A message that a browser got.

    Attributes:
        path: Of its endpoint.
        payload: Decrypted.
        headers: Of the request.
        claims: Of the token, whose signature was good.
    """

    path: str
    payload: bytes
    headers: dict[str, str]
    claims: dict[str, Any]


class Browser:
    """The keys of one subscription."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.auth = b"sixteen secret b"
        self.key = ec.generate_private_key(ec.SECP256R1())

    def subscription(self) -> dict[str, Any]:
        """What ``PushSubscription.toJSON()`` gives."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": _base64url(point), "auth": _base64url(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}


class PushService:
    """Takes messages for its browsers.

    Attributes:
        application: The public key of who may send, in base64url.
        answers: By path, the answers to its next requests: a status, or one with header fields; then 201.
        received: What came, decrypted.
        refused: Why something was not taken.
        redirected: Requests that followed a redirect.
    """

    def __init__(self, application: str) -> None:
        self.application = application
        self.origin = ""
        self.browsers: dict[str, Browser] = {}
        self.answers: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.received: list[Received] = []
        self.refused: list[str] = []
        self.redirected = 0
        self.busy = 0
        self.busiest = 0
        self.hold: asyncio.Event | None = None
        self.arrived = asyncio.Condition()

    def browser(self, name: str) -> Browser:
        """A browser that has subscribed."""
        return self.browsers.setdefault(f"/push/{name}", Browser(f"{self.origin}/push/{name}"))

    def answer(self, name: str, status: int, **headers: str) -> None:
        """Answer the next message for this browser so."""
        fields = {key.replace("_", "-"): value for key, value in headers.items()}
        self.answers.setdefault(f"/push/{name}", []).append((status, fields))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            if request.path == "/elsewhere":
                self.redirected += 1
            body = await request.read()
            if self.hold is not None:
                await self.hold.wait()
            async with self.arrived:
                answers = self.answers.get(request.path)
                status, fields = answers.pop(0) if answers else (201, {})
                if status == 201:
                    self._take(request, body)
                self.arrived.notify_all()
            return web.Response(status=status, headers=fields, text="" if status == 201 else "x" * 100_000)
        finally:
            self.busy -= 1

    def _take(self, request: web.Request, body: bytes) -> None:
        browser = self.browsers[request.path]
        try:
            claims = self._verify(request.headers["Authorization"])
            assert request.method == "POST"
            assert request.headers["Content-Encoding"] == "aes128gcm"
            assert int(request.headers["TTL"]) >= 0
            assert len(body) <= 4096
            payload = http_ece.decrypt(body, private_key=browser.key, auth_secret=browser.auth)
        except Exception as error:
            self.refused.append(f"{type(error).__name__}: {error}")
            raise web.HTTPForbidden from error
        self.received.append(Received(request.path, payload, dict(request.headers), claims))

    def _verify(self, authorization: str) -> dict[str, Any]:
        """RFC 8292 section 3: the token, and the key that the subscription is bound to."""
        scheme, fields = authorization.split(" ", 1)
        values = dict(field.strip().split("=", 1) for field in fields.split(","))
        assert scheme == "vapid"
        assert values["k"] == self.application
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _from_base64url(values["k"]))
        claims: dict[str, Any] = jwt.decode(
            values["t"],
            key,
            algorithms=["ES256"],
            audience=self.origin,
            options={"require": ["aud", "exp", "sub"]},
        )
        assert claims["exp"] <= time.time() + 24 * 3600
        assert claims["sub"] == CONTACT
        return claims

    async def got(self, count: int) -> list[Any]:
        """Wait until so many messages came; returns them, as JSON."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.received) >= count)
        return [json.loads(one.payload) for one in self.received]


@contextlib.asynccontextmanager
async def push_service(application: str, tls: ssl.SSLContext | None) -> AsyncIterator[PushService]:
    """A push service that runs, at https://localhost:PORT; without TLS at http."""
    service = PushService(application)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        service.origin = f"{'https' if tls else 'http'}://localhost:{port}"
        yield service
    finally:
        await runner.cleanup()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
