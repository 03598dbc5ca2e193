"""One echo behind two relays, without TLS and with it, through which each page sees the bytes of its own lines."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from urllib.parse import parse_qs, urlsplit

from openline import ServerConnection, serve
from openline.playground.feeds import Feeds
from openline.playground.inspector import TOKEN
from openline.playground.relay import Direction, Relay, Watcher
from openline.playground.security.eavesdropper import Eavesdropper, Record
from openline.playground.security.foreign import ForeignPage
from openline.protocol.http11 import Request, Response

MAX_EARLY = 16  # records of a connection that are kept until it is known whose it is; the first matter most
MAX_LINES = 200  # at a time; a further one gets 503
MAX_MESSAGE = 2**12  # bytes

Check = Callable[[ServerConnection, Request, int], Response | None]
Handler = Callable[[ServerConnection], Awaitable[None]]


class Tapped:
    """The servers.

    Args:
        echo: Serves a line that was let in.
        check: Is given the line, its request, and the port of the pages that may come; returns a refusal, or None.
    """

    def __init__(self, echo: Handler, check: Check) -> None:
        self.feeds = Feeds()
        self._echo = echo
        self._check = check
        self._ears: dict[int, _Ear] = {}  # by the port that the server sees
        self._page_port = 0
        self._stack = AsyncExitStack()

    async def start(
        self,
        plain: socket.socket,
        secure: socket.socket,
        foreign: socket.socket,
        tls: ssl.SSLContext | None,
        page_port: int,
    ) -> None:
        """Listen on bound sockets, which are closed with it.

        Args:
            plain, secure: For the relays before the echo without TLS, and with it.
            foreign: For the foreign page.
            tls: None: there is no certificate, and nothing listens on ``secure``.
            page_port: The port of the pages that may come.
        """
        self._page_port = page_port
        await self._listen("ws", plain, None)
        if tls is None:
            secure.close()
        else:
            await self._listen("wss", secure, tls)
        page = ForeignPage(plain.getsockname()[1], page_port)
        await self._stack.enter_async_context(
            serve(self._echo, sock=foreign, process_request=_none_here, http=page.respond)
        )

    async def close(self) -> None:
        """End all of it. Idempotent."""
        await self._stack.aclose()

    async def _listen(self, over: str, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        server = await self._stack.enter_async_context(
            serve(
                self._echo,
                "127.0.0.1",
                0,
                ssl=tls,
                process_request=self._look,
                compression=None,  # for the text to be legible
                max_size=MAX_MESSAGE,
                ping_interval=None,
            )
        )
        relay = Relay(server.sockets[0].getsockname(), lambda: _Ear(self, over))
        await relay.listen(sock)
        self._stack.push_async_callback(relay.close)

    def _look(self, line: ServerConnection, request: Request) -> Response | None:
        """See whose line it is, and whether it may be opened."""
        ear = self._ears.get(line.remote_address[1])
        token = watch_token(request.path)
        if ear is not None and token is not None:
            ear.belongs_to(token)
        if len(self._ears) > MAX_LINES:
            return line.respond(503, "Too many lines.\n")
        refusal = self._check(line, request, self._page_port)
        if refusal is not None and token is not None:
            headers = request.headers
            self.feeds.put(
                token,
                {
                    "kind": "refused",
                    "status": refusal.status_code,
                    "origin": headers.get("Origin"),
                    "host": headers.get("Host"),
                    "cookie": headers.get("Cookie") is not None,
                },
            )
        return refusal

    def join(self, port: int, ear: _Ear) -> None:
        """A connection has reached its server, which sees it come from this port."""
        self._ears[port] = ear

    def leave(self, port: int) -> None:
        """It is over. Idempotent."""
        self._ears.pop(port, None)


class _Ear(Watcher):
    """Hears one connection, and tells the page whose line it is."""

    def __init__(self, tapped: Tapped, over: str) -> None:
        self._tapped = tapped
        self._over = over
        self._port = 0
        self._token: str | None = None
        self._early: list[Record] = []
        self._eavesdropper = Eavesdropper()

    def joined(self, local_port: int) -> None:
        self._port = local_port
        self._tapped.join(local_port, self)

    def belongs_to(self, token: str) -> None:
        self._token = token
        early, self._early = self._early, []
        for record in early:
            self._tapped.feeds.put(token, record)

    def passed(self, direction: Direction, data: bytes) -> None:
        for record in self._eavesdropper.hear(direction, data):
            self._put({**record, "over": self._over, "line": self._port})

    def ended(self) -> None:
        self._put({"kind": "ended", "over": self._over, "line": self._port})
        self._tapped.leave(self._port)

    def _put(self, record: Record) -> None:
        if self._token is not None:
            self._tapped.feeds.put(self._token, record)
        elif len(self._early) < MAX_EARLY:
            self._early.append(record)


def watch_token(path: str) -> str | None:
    """Return the token of the page that watches, from a path ``/?watch=TOKEN``; None where there is none."""
    try:
        given = parse_qs(urlsplit(path).query, max_num_fields=4).get("watch", [""])[0]
    except ValueError:
        return None
    return given if TOKEN.fullmatch(given) else None


def _none_here(line: ServerConnection, request: Request) -> Response | None:
    return line.respond(404, "There are no lines here.\n")
