"""The server's half of the opening handshake (RFC 6455 section 4.2), and the head of every HTTP request.

A line belongs to a `ServerOpening` from its first byte to the end of the handshake, and again between two HTTP
requests. All of it runs inside the line's callbacks, without a task, unless a hook is a coroutine function; ten
thousand half-open handshakes are ten thousand of these objects and nothing else.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from openline.exceptions import InvalidHandshake
from openline.protocol.handshake import Accepted, accept_request, is_upgrade, refuse
from openline.protocol.http11 import Request, Response, find_head_end, parse_request
from openline.websocket.lingering_close import LingeringClose
from openline.websocket.plain_response import http_date, plain_response

if TYPE_CHECKING:
    from openline.websocket.listener import Listener
    from openline.websocket.server import Server
    from openline.websocket.server_connection import ServerConnection

__all__ = ["ServerOpening"]

KEEP_ALIVE_TIMEOUT = 60.0
"""Seconds that an HTTP connection may stay idle between two requests."""

READ_AHEAD = 2**16
"""Bytes that may follow the head while a hook decides, before reading pauses."""


class ServerOpening:
    """Receives the bytes of one line until it is a WebSocket, an HTTP exchange, or refused.

    Attributes:
        line: The line, which is also the connection that hooks are given.
        server: The server that accepted it.
        eof: The client will send nothing more.
    """

    __slots__ = (
        "_accepted",
        "_answered",
        "_head",
        "_hook",
        "_kept_alive",
        "_lent",
        "_paused",
        "_received",
        "_request",
        "eof",
        "line",
        "server",
    )

    def __init__(self, server: Server, line: ServerConnection) -> None:
        self.server = server
        self.line = line
        self._received: bytes | bytearray = b""
        self._head = b""
        self._request: Request | None = None
        self._accepted: Accepted | None = None
        self._hook: asyncio.Task[None] | None = None
        self._paused = False
        self.eof = False
        self._kept_alive = False
        self._lent = False
        self._answered = False

    def start(self) -> None:
        """Begin, when the line has been accepted."""
        self.line.begin_raw(self)
        self.line.set_deadline(self.server.policy.open_timeout)

    def resume(self, rest: bytes) -> None:
        """Go on with the next request, of which ``rest`` was received, after an HTTP exchange on this line."""
        self.line.begin_raw(self)
        self._lent = False
        self._kept_alive = True
        if self.server.closing or (self.eof and not rest):
            self.close_gently()
            return
        self.line.set_deadline(KEEP_ALIVE_TIMEOUT)
        self.line.resume_raw()
        if rest:
            self.data_received(rest)

    def shut_down(self) -> None:
        """Refuse, since the server is closing; who waits for a hook or a response still gets an answer."""
        if self._request is not None or self._lent or self._answered:
            return
        if self._idle:
            self.close_gently()
        else:
            self._answer(_unavailable())

    @property
    def _idle(self) -> bool:
        """Whether this is the time between two requests."""
        return self._kept_alive and not self._received

    # What the line calls.

    def data_received(self, data: bytes) -> None:
        """Take a part of the head, or what follows it."""
        if self._idle:
            self.line.set_deadline(self.server.policy.open_timeout)
        searched = len(self._received)
        if not searched:
            # An empty line before the request is passed over (RFC 9112 section 2.2).
            self._received = data.removeprefix(b"\r\n") if self._request is None else data
        else:
            # A head that comes byte by byte must not cost the square of its size.
            if isinstance(self._received, bytes):
                self._received = bytearray(self._received)
            self._received += data
        if self._request is None:
            self._find_head(searched)
        elif len(self._received) >= READ_AHEAD and not self._paused:
            self._paused = True
            self.line.pause_raw()

    def eof_received(self) -> None:
        """The client will send nothing more; where it waits for the answer to a plain request, it still gets one."""
        self.eof = True
        if self._request is None:
            if self._received:
                self._log("connection closed in the middle of the request")
            self.line.close_descriptor()
        elif is_upgrade(self._request):
            # There can be no WebSocket without the client's half (RFC 6455 section 4.1).
            self._log("connection closed during the opening handshake")
            self.line.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        if self._hook is not None:
            self._hook.cancel()
        self.server.forget_opening(self)

    def deadline_reached(self) -> None:
        """The head, or the next request, or a hook has not come to its end in time."""
        if self._idle:
            self.close_gently()
        else:
            self._log("opening handshake timed out")
            self.line.abort()

    def drained(self) -> None:
        """Nothing: what is written here is small."""

    # The decision. Each step is a function, since a hook may have to be awaited before the next.

    def _find_head(self, searched: int) -> None:
        received = self._received
        try:
            end = find_head_end(received, searched)
            if end is None:
                if self.eof:
                    self.eof_received()
                return
            head, self._received = bytes(received[:end]), bytes(received[end:])
            request = parse_request(head)
        except InvalidHandshake as exc:
            self._answer(self._refuse(exc))
            return
        if self.server.policy.http is not None and not is_upgrade(request):
            self._exchange(head)
        else:
            self._head = head
            self._request = request
            self.line.extra.request = request
            self._ask(self.server.policy.process_request, (self.line, request), self._decide)

    def _exchange(self, head: bytes) -> None:
        # Imported here since programs without an http handler have no use for h11.
        from openline.websocket.http_exchange import HTTPExchange

        rest, self._received = self._received, b""
        self._lent = True
        exchange = HTTPExchange(self)
        self.line.begin_raw(exchange)
        exchange.start(head + rest)

    def _decide(self, response: Response | None) -> None:
        request = self._request
        assert request is not None
        if response is None:
            response = self._accept(request)
        decided = response

        def answer(response: Response | None) -> None:
            self._respond(decided if response is None else response)

        self._add_server_header(response)
        self._ask(self.server.policy.process_response, (self.line, request, response), answer)

    def _accept(self, request: Request) -> Response:
        policy = self.server.policy
        select = policy.select_subprotocol
        try:
            self._accepted = accept_request(
                request,
                origins=policy.origins,
                extensions=policy.extensions,
                subprotocols=policy.subprotocols,
                select_subprotocol=None if select is None else lambda offered: select(self.line, offered),
            )
        except InvalidHandshake as exc:
            return self._refuse(exc)
        except Exception:
            self.server.logger.error("opening handshake failed", exc_info=True)
            return _internal_error()
        return self._accepted.response

    def _respond(self, response: Response) -> None:
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._answer(response)
        elif self.server.closing:
            self._answer(_unavailable())
        else:
            try:
                listener = self.server.make_listener(self.line)
            except Exception:
                self.server.logger.error("making the listener failed", exc_info=True)
                self._answer(_internal_error())
                return
            self.line.set_deadline(None)
            if self._paused:
                self.line.resume_raw()
            raw = response.serialize()
            self.line.write_raw(raw)
            self._open(raw, listener)

    def _open(self, response: bytes, listener: Listener | None) -> None:
        accepted = self._accepted
        # Now, so that `on_open` finds itself among the server's connections.
        self.server.admit(self)
        # Both heads stay raw: parsed, they would be most of what an idle connection weighs.
        self.line.opened(
            self._head,
            response,
            extensions=() if accepted is None else accepted.extensions,
            subprotocol=None if accepted is None else accepted.subprotocol,
            listener=listener,
            rest=bytes(self._received),
        )
        self.server.start_handler(self.line)

    # Hooks.

    def _ask(
        self,
        hook: Callable[..., Awaitable[Response | None] | Response | None] | None,
        arguments: tuple[object, ...],
        go_on: Callable[[Response | None], None],
    ) -> None:
        """Call a hook, await what it returns if need be, and go on with its answer."""
        if hook is None:
            go_on(None)
            return
        try:
            answer = hook(*arguments)
        except Exception:
            self._log_failure(hook)
            go_on(_internal_error())
            return
        if inspect.isawaitable(answer):
            self._hook = self.server.spawn(self._await_answer(hook, answer, go_on))
        else:
            go_on(self._check(hook, answer))

    async def _await_answer(
        self, hook: object, awaitable: Awaitable[Response | None], go_on: Callable[[Response | None], None]
    ) -> None:
        try:
            answer = self._check(hook, await awaitable)
        except asyncio.CancelledError:
            # The client has gone, or the server has waited long enough.
            self.line.abort()
            raise
        except Exception:
            self._log_failure(hook)
            answer = _internal_error()
        self._hook = None
        go_on(answer)

    def _check(self, hook: object, answer: object) -> Response | None:
        if answer is None or isinstance(answer, Response):
            return answer
        self.server.logger.error("%s returned neither a Response nor None: %r", _name(hook), answer)
        return _internal_error()

    def _log_failure(self, hook: object) -> None:
        self.server.logger.error("%s failed", _name(hook), exc_info=True)

    # Answers.

    def refuse(self, status: int, reason: str) -> None:
        """Answer with an error, log it in one line, and close."""
        self._log("HTTP request refused with %d: %s", status, reason)
        self._answer(plain_response(status, f"{reason}\n"))

    def _refuse(self, exc: InvalidHandshake) -> Response:
        response = refuse(exc)
        self._log("opening handshake refused with %d: %s", response.status_code, exc)
        return response

    def _answer(self, response: Response) -> None:
        self._answered = True
        self._add_server_header(response)
        if "Date" not in response.headers:
            response.headers["Date"] = http_date()
        if "Connection" not in response.headers:
            response.headers["Connection"] = "close"
        if "Content-Length" not in response.headers and "Transfer-Encoding" not in response.headers:
            response.headers["Content-Length"] = str(len(response.body))
        if self._request is not None and self._request.method == "HEAD":
            # RFC 9110 section 9.3.2. A copy: the program may answer with the same response again.
            response = replace(response, body=b"")
        self.line.write_raw(response.serialize())
        self.close_gently()

    def _add_server_header(self, response: Response) -> None:
        header = self.server.policy.server_header
        if header is not None and "Server" not in response.headers:
            response.headers["Server"] = header

    def close_gently(self) -> None:
        """Close such that the client gets what was written (RFC 6455 section 7.1.1)."""
        if self.eof:
            # It has nothing more to say, so nothing can be lost.
            self.line.close_descriptor()
        else:
            LingeringClose(self.line, self).start(self.server.options.close_timeout)

    def _log(self, message: str, *arguments: object) -> None:
        logger = self.server.logger
        if logger.isEnabledFor(logging.INFO):
            # What the client has sent must not make two lines of one.
            text = (message % arguments).encode("unicode_escape").decode("ascii")
            logger.info("%s (from %s)", text, self.line.get_extra_info("peername") or "unix socket")


def _name(hook: object) -> str:
    return getattr(hook, "__qualname__", None) or repr(hook)


def _internal_error() -> Response:
    return plain_response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Failed to open a WebSocket connection.\nSee server log for more information.\n",
    )


def _unavailable() -> Response:
    return plain_response(HTTPStatus.SERVICE_UNAVAILABLE, "Server is shutting down.\n")
