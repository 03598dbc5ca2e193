"""A WebSocket connection, as a user holds it.

`Connection` is the upper half, in plain Python and without attributes of its own; its lower half is a `Line` of one
of the engines. `openline.engine.base` says what the two ask of each other, and `openline.websocket.lines` joins them.
`send`, `recv`, iteration, `send_nowait`, `flush`, `pause` and `resume` are the line's: they run for each message. What
is rare stands here and in the modules that `Connection` is put together from.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from openline.protocol.close_codes import CloseCode
from openline.protocol.extensions.base import Extension
from openline.protocol.extensions.permessage_deflate import PerMessageDeflate
from openline.protocol.http11 import Request, Response, parse_request, parse_response
from openline.protocol.states import State
from openline.websocket.frame_trace import FrameTrace, Tap, TraceToBe, log_frames
from openline.websocket.listener import Listener
from openline.websocket.pinging import Pinging
from openline.websocket.quiet import drop_when_quiet
from openline.websocket.receiving import Receiving
from openline.websocket.transport import Transport

__all__ = ["Connection"]


class Connection(Pinging, Receiving):
    """A WebSocket connection (RFC 6455); made by ``connect`` and ``serve``, not by hand.

    One coroutine may receive while another sends, and several may send. All of it belongs to the loop, and the thread,
    in which it was made. You may set attributes of your own on it.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @staticmethod
        def fan_out(lines: list[Any], frame: bytes, /) -> None:
            """`Engine.fan_out` of the engine whose line this is."""

        @staticmethod
        def split_plain(lines: Iterable[Any], /) -> tuple[list[Any], list[Any]]:
            """`Line.split_plain` of the engine whose line this is."""
            ...

    # What it is.

    @property
    def id(self) -> uuid.UUID:
        """A random identifier for this connection, for logs."""
        if self.extra.id is None:
            self.extra.id = uuid.uuid4()
        return self.extra.id

    @property
    def logger(self) -> logging.LoggerAdapter[Any]:
        """The logger of its server or client; its records have the connection as ``websocket``."""
        return logging.LoggerAdapter(self.options.logger, {"websocket": self})

    @property
    def request(self) -> Request | None:
        """The request of the opening handshake. None: it did not come yet."""
        request = self.extra.request
        if isinstance(request, bytes):
            request = self.extra.request = parse_request(request)
        return request

    @property
    def response(self) -> Response | None:
        """The response of the opening handshake. None: it did not come yet."""
        response = self.extra.response
        if isinstance(response, bytes):
            response = self.extra.response = parse_response(response)
        return response

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on (RFC 6455 section 1.9). None: none was."""
        return self.extra.subprotocol

    @property
    def local_address(self) -> Any:
        """The local address of the connection; for TCP, host and port and what else the family has."""
        return self.get_extra_info("sockname")

    @property
    def remote_address(self) -> Any:
        """The peer's address; a proxy between here and there is the peer."""
        return self.get_extra_info("peername")

    @property
    def transport(self) -> Transport:
        """A view of what carries the connection."""
        return Transport(self)

    @property
    def tap(self) -> Tap | None:
        """Called with all bytes of frames in both directions, as ``tap("in" | "out", data)``; None: nobody watches.

        To be set before the opening handshake ends, in ``process_request`` for instance. A watched connection is
        slower.
        """
        return self.trace.tap if isinstance(self.trace, FrameTrace) else None

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        if self.state is not State.CONNECTING:
            raise RuntimeError("tap must be set before the opening handshake ends")
        self.trace = None if tap is None else TraceToBe(tap, None)

    def __repr__(self) -> str:
        about = [self.state.name.lower()]
        if self.state is State.CLOSED:
            about[0] += f" ({self.close_code}{' ' if self.close_reason else ''}{self.close_reason})"
        peer = self.remote_address
        if isinstance(peer, tuple):  # of TCP
            peer = cast("tuple[object, ...]", peer)
            about.append(f"peer {peer[0]}:{peer[1]}")
        if self.unsent:
            about.append(f"{self.unsent} bytes unsent")
        if self.latency:
            about.append(f"latency {self.latency * 1000:.1f} ms")
        return f"<{type(self).__name__} {', '.join(about)}>"

    # Its beginning.

    def opened(
        self,
        request: Request | bytes,
        response: Response | bytes,
        *,
        extensions: tuple[Extension, ...] = (),
        subprotocol: str | None = None,
        listener: Listener | None = None,
        rest: bytes = b"",
    ) -> None:
        """The opening handshake has succeeded: turn the line into a WebSocket. Called by the handshake, once.

        Args:
            request: The request; raw, where nobody has needed it parsed.
            response: The response, likewise.
            extensions: What was agreed on.
            subprotocol: What was agreed on.
            listener: Who gets the messages. None: they are queued for `recv`.
            rest: Bytes that came after the head.
        """
        extra = self.extra
        extra.request, extra.response, extra.subprotocol = request, response, subprotocol
        extra.opened = True
        self.extensions = extensions
        self.deflate = next((one for one in extensions if isinstance(one, PerMessageDeflate)), None)
        if self.deflate is not None:
            drop_when_quiet(self.deflate)
        self.listener = listener
        self.state = State.OPEN
        logged = log_frames(self.options.logger)
        if logged is not None or self.trace is not None:
            self.trace = FrameTrace(self.tap, logged)
            self._make_protocol()
        self._start_keepalive()
        self.begin_frames(rest)  # which keeps it for the next turn: `on_open` comes before the first message
        if listener is not None:
            self._call(listener.on_open)

    # Its end.

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close(CloseCode.NORMAL_CLOSURE if exc_type is None else CloseCode.INTERNAL_ERROR)

    # What the line calls.

    def _connection_made(self) -> None:
        host = self.options.host
        if host is not None:
            host.connection_made(self)

    def _connection_lost(self, exc: Exception | None) -> None:
        extra = self.extra
        extra.cause = extra.cause or exc
        self._fail_pings()
        self._wake_all()
        if extra.closed is not None:
            extra.closed.set_result(None)
        listener = self.listener
        if listener is not None and extra.opened:
            error = self._closed_error()
            self._call(listener.on_close, error.code, error.reason)
        host = self.options.host
        if host is not None:
            host.connection_lost(self)

    def _deadline_reached(self) -> None:
        if self.extra.deferred:
            self._end_now()
        elif self.state is State.OPEN:
            self._keep_alive()
        else:
            self._closing_timed_out()

    def _drained(self) -> None:
        if self.listener is not None:
            self._call(self.listener.on_drain)

    def _call(self, callback: Any, *args: object) -> None:
        """Call back, in a copy of the context of ``serve`` or ``connect``."""
        try:
            self.options.context.copy().run(callback, self, *args)
        except Exception as error:
            self._callback_failed(error)

    def _callback_failed(self, exc: Exception) -> None:
        self.options.logger.error("connection handler failed", exc_info=exc)
        self._fail(CloseCode.INTERNAL_ERROR, "", exc)
