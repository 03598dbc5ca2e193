"""The security page's own line: what is overheard goes to the page, and what it says goes out on the lines."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from openline import ClientConnection, ServerConnection, connect
from openline.cli.server.dev_cert import dev_certificate
from openline.cli.server.options import StartFailed
from openline.exceptions import ConnectionClosed, WebSocketException
from openline.playground.feeds import Feed
from openline.playground.inspector import handshake_of, token_of
from openline.playground.ports import ReservedPort
from openline.playground.security.certificate import describe
from openline.playground.security.tapped import Check, Handler, Tapped
from openline.protocol.close_codes import CloseCode
from openline.websocket.http import HTTPRequest

CERTIFIED = "localhost"  # a name that the certificate has, whatever the page calls this machine
MAX_TEXT = 120  # characters that a page may say at a time
PAUSE = 0.1  # seconds after something said
RETRY = 1.0  # seconds after the line of our own client was lost

logger = logging.getLogger("openline.playground")


@dataclass(frozen=True, slots=True)
class Secure:
    """What TLS needs.

    Attributes:
        server: For the echo.
        client: Trusts its certificate, and no other.
        about: What the certificate says.
    """

    server: ssl.SSLContext
    client: ssl.SSLContext
    about: dict[str, object]


class Security:
    """The tapped lines, for all pages; started when the first page comes.

    Args:
        host: The address to listen on; empty: all of this machine's.
        echo: Serves a tapped line.
        check: Says who may open one; see `Tapped`.
    """

    def __init__(self, host: str, echo: Handler, check: Check) -> None:
        self._host = host
        self._tapped = Tapped(echo, check)
        self._ports: dict[str, ReservedPort] = {}
        self._secure: Secure | None = None
        self._missing = ""  # why there is no TLS
        self._starting = asyncio.Lock()
        self._started = False

    def sources(self, request: HTTPRequest) -> Mapping[str, tuple[int, ...]]:
        """Say which ports the page may reach; see `Application.allow`."""
        if not self._ports:
            return {}
        numbers = {name: port.number for name, port in self._ports.items()}
        return {"connect-src": (numbers["ws"], numbers["wss"]), "frame-src": (numbers["foreign"],)}

    async def run(self) -> None:
        """Keep the ports, for as long as the playground runs.

        Cancel: ends the tapped lines.
        """
        try:
            for name in ("ws", "wss", "foreign"):
                self._ports[name] = ReservedPort(self._host)
            await asyncio.Event().wait()
        finally:
            for port in self._ports.values():
                port.close()
            await self._tapped.close()

    async def show(self, ws: ServerConnection) -> None:
        """Serve a page's line. The page says ``{"say": text}``, and our client says it on the line that it has not."""
        request, _ = handshake_of(ws)
        token = token_of(request.path)
        if token is None:
            await ws.close(CloseCode.POLICY_VIOLATION, "No token")
            return
        await self._start(ws.local_address[1])
        origin, cookie = request.headers.get("Origin"), request.headers.get("Cookie")
        over = "ws" if ws.get_extra_info("ssl_object") is not None else "wss"
        with self._tapped.feeds.hold(token) as feed:
            await ws.send(json.dumps(self._hello(over)))
            async with _running(_send_batches(ws, feed)):
                if over == "wss" and self._secure is None:
                    async for _ in ws:
                        pass
                    return
                # By the name that the browser uses, at the address that is listened on.
                name = urlsplit(f"//{request.headers.get('Host', '')}").hostname or "localhost"
                shown = f"[{name}]" if ":" in name else name
                address = f"{over}://{shown}:{self._ports[over].number}/?watch={token}"
                tls = self._secure.client if self._secure is not None and over == "wss" else None
                speaker = _Speaker(address, self._local_address, tls, origin, cookie)
                async with _running(speaker.run()):
                    async for message in ws:
                        await speaker.say(_text_of(message))
                        await asyncio.sleep(PAUSE)

    def _hello(self, over: str) -> dict[str, object]:
        return {
            "type": "hello",
            "ports": {name: port.number for name, port in self._ports.items()},
            "ours": over,  # the line that our own client speaks
            "certificate": None if self._secure is None else self._secure.about,
            "missing": self._missing,
        }

    @property
    def _local_address(self) -> str:
        return "127.0.0.1" if self._host in ("", "0.0.0.0") else self._host

    async def _start(self, page_port: int) -> None:
        async with self._starting:
            if self._started:
                return
            try:
                self._secure = await asyncio.to_thread(_secure, self._host)
            except StartFailed as error:
                self._missing = str(error)
            plain, secure, foreign = (self._ports[name].open() for name in ("ws", "wss", "foreign"))
            tls = None if self._secure is None else self._secure.server
            await self._tapped.start(plain, secure, foreign, tls, page_port)
            self._started = True


class _Speaker:
    """Our own client on a tapped line: it says what the page wants said, with the page's Origin and cookie."""

    def __init__(
        self, uri: str, host: str, tls: ssl.SSLContext | None, origin: str | None, cookie: str | None
    ) -> None:
        self._uri = uri
        self._host = host
        self._tls = tls
        self._origin = origin
        self._cookie = {} if cookie is None else {"Cookie": cookie}
        self._line: ClientConnection | None = None

    async def run(self) -> None:
        while True:
            with suppress(OSError, WebSocketException):
                async with connect(
                    self._uri,
                    host=self._host,
                    ssl=self._tls,
                    server_hostname=None if self._tls is None else CERTIFIED,
                    origin=self._origin,
                    additional_headers=self._cookie,
                    compression=None,
                    proxy=None,
                    ping_interval=None,
                ) as self._line:
                    async for _ in self._line:
                        pass
            await asyncio.sleep(RETRY)

    async def say(self, text: str) -> None:
        if text and self._line is not None:
            with suppress(ConnectionClosed):
                await self._line.send(text)


@asynccontextmanager
async def _running(work: object) -> AsyncGenerator[None]:
    task = asyncio.ensure_future(cast("asyncio.Future[None]", work))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _send_batches(ws: ServerConnection, feed: Feed) -> None:
    with suppress(ConnectionClosed):
        async for batch in feed.batches():
            await ws.send(json.dumps({"type": "overheard", "records": batch}, separators=(",", ":")))
        await ws.close(CloseCode.POLICY_VIOLATION, "The page has opened another line")


def _text_of(message: str | bytes) -> str:
    try:
        wish: object = json.loads(message)
    except (ValueError, RecursionError):
        return ""
    text = cast("dict[str, object]", wish).get("say") if isinstance(wish, dict) else None
    if not isinstance(text, str):
        return ""
    return text[:MAX_TEXT].encode(errors="replace").decode()  # a lone surrogate has no UTF-8


def _secure(host: str) -> Secure:
    made = dev_certificate(host)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(made.path)
    client = ssl.create_default_context(cafile=made.path)
    return Secure(server, client, describe(made.path.read_bytes()))
