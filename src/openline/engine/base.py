"""The contract between the bytes and the rules: what a line does, and what it asks of the storey above.

A *line* is one connection as the engine sees it. The object that a user holds inherits from a line and from
`openline.websocket.connection.Connection`; the two halves know each other only by the names on this page:

- `Line`: what the lower half offers. There are two, `engine.native.line.Line` and `engine.portable.Line`.
- `Upper`: what the lower half calls on the upper one.
- `Engine` and `Acceptor`: where lines come from.
- `RawReceiver`: who gets the bytes before the connection is a WebSocket.

Everything runs in the thread of the loop. Nothing here is instantiated: these are types and their meaning.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextvars import Context
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, overload

if TYPE_CHECKING:
    from openline.exceptions import ConnectionClosed
    from openline.protocol.connection import Protocol as WebSocketProtocol
    from openline.protocol.extensions.base import Extension
    from openline.protocol.extensions.permessage_deflate import PerMessageDeflate
    from openline.protocol.frames import Opcode
    from openline.protocol.states import Side, State

__all__ = [
    "Acceptor",
    "BytesLike",
    "Engine",
    "FrameTrace",
    "Line",
    "LineListener",
    "LineOptions",
    "Message",
    "RawReceiver",
    "Upper",
]

Message: TypeAlias = str | bytes
"""A whole message, as it is received: text as str, binary as bytes."""

BytesLike: TypeAlias = bytes | bytearray | memoryview
"""Binary data, as it may be sent."""


class RawReceiver(Protocol):
    """Who gets the bytes until `Line.begin_frames`: an opening handshake, an HTTP request, a proxy's answer."""

    def data_received(self, data: bytes) -> None:
        """Bytes arrived; never empty."""

    def eof_received(self) -> None:
        """The peer will send nothing more. The line stays open for writing."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; called once, and nothing after it. None: it ended without an error."""

    def deadline_reached(self) -> None:
        """The time given to `Line.set_deadline` is over."""

    def drained(self) -> None:
        """All that `Line.write_raw` had to keep has been taken by the kernel."""


class FrameTrace(Protocol):
    """Somebody who watches the frames of a connection. What he raises is a bug."""

    def received(self, data: BytesLike) -> None:
        """Bytes arrived, as they are on the wire; frames may be cut anywhere."""

    def sent(self, data: BytesLike) -> None:
        """Whole frames were handed to the line, as they will be on the wire."""


class LineListener(Protocol):
    """What a line itself calls of a `Listener`."""

    def on_message(self, ws: Any, message: Message, /) -> None: ...


class LineOptions(Protocol):
    """What a line reads of `openline.websocket.options.Options`; sizes in bytes, None: no bound."""

    @property
    def max_message_size(self) -> int | None: ...
    @property
    def max_fragment_size(self) -> int | None: ...
    @property
    def max_queue_high(self) -> int | None: ...
    @property
    def max_queue_low(self) -> int | None: ...
    @property
    def write_high(self) -> int: ...
    @property
    def write_low(self) -> int: ...
    @property
    def max_unsent(self) -> int | None: ...
    @property
    def context(self) -> Context: ...
    @property
    def busy_poll(self) -> int: ...


class _Attributes(Protocol):
    """What both halves read and write."""

    loop: asyncio.AbstractEventLoop
    """The loop that this connection lives in."""
    options: Any
    """The `Options` of the `serve` or `connect` that made this connection; shared by all that it made."""
    state: State
    """CONNECTING until `begin_frames`; CLOSING from the first Close frame, failure or `abort()` on; CLOSED exactly
    from `Upper._connection_lost` on."""
    protocol: WebSocketProtocol | None
    """The sans-I/O protocol, while there is one. While there is one, all that arrives goes to `_receive_rare`."""
    listener: Any
    """The `Listener`, or None: then messages are queued for `recv`. Read when `begin_frames` is called."""
    deflate: PerMessageDeflate | None
    """The compression that was agreed upon; it is among `extensions` too."""
    extensions: tuple[Extension, ...]
    """All extensions that were agreed upon, in the order of the header."""
    pings: dict[bytes, tuple[asyncio.Future[float] | None, float]] | None
    """Pings not yet answered, oldest first: payload to (future of the latency, when it was sent); the keepalive's
    have no future. The upper half's own."""
    fragmenting: asyncio.Future[None] | None
    """While a message is being sent in fragments: done when its last fragment was queued."""
    streaming: bool
    """A `recv_streaming` is in the middle of a message; `recv` raises ConcurrencyError."""
    trace: FrameTrace | None
    """Who watches the frames: `sent` is called by the line, `received` by `_receive_rare`. Set before
    `begin_frames`, together with a `protocol` that is kept, so that everything passes there."""
    heard: float
    """`time.monotonic()` when the last byte came from the peer. (`loop.time()` of some loops counts milliseconds.)"""
    latency: float
    """Round-trip time that the last answered ping measured, in seconds; 0.0 before."""
    extra: Any
    """Whatever the upper half keeps: one object, or None."""

    @property
    def unsent(self) -> int:
        """Bytes that are queued in this process, because the kernel refused them or was not yet asked."""
        ...

    @property
    def plain(self) -> bool:
        """Whether a shared, unmasked frame can be put now: OPEN, a server's, no extension, not `fragmenting`."""
        ...

    @staticmethod
    def split_plain(lines: Iterable[Any], /) -> tuple[list[Any], list[Any]]:
        """Those of the lines that are `plain`, and of this engine; and the others."""
        ...

    written: int
    """Bytes queued since the connection was made, sent or not; of TLS, those inside it. Set by the line alone."""

    @property
    def taken(self) -> int:
        """Those of `written` that the peer has taken; grows while its TCP reads.

        Where the kernel tells (SIOCOUTQ on Linux), those that the peer's TCP has acknowledged: what lies in the
        kernel's send buffer is no sign of life. Elsewhere, those that the kernel has taken."""
        ...


class Line(_Attributes, Protocol):
    """The lower half of a connection. Made without arguments; attached by an `Engine`."""

    side: Side

    # -- before it is a WebSocket

    def begin_raw(self, receiver: RawReceiver) -> None:
        """From now on bytes go to ``receiver``; also to change from one receiver to the next."""

    def write_raw(self, data: BytesLike) -> int:
        """Write; returns how many bytes the kernel has not yet taken, of these and earlier ones."""
        ...

    def pause_raw(self) -> None:
        """Read nothing more until `resume_raw`."""

    def resume_raw(self) -> None: ...

    def start_tls(
        self, context: ssl.SSLContext, *, server_side: bool = False, server_hostname: str | None = None
    ) -> None:
        """Put TLS on the connection. What is written meanwhile waits for it; failure is a lost connection."""

    def begin_frames(self, rest: bytes = b"") -> None:
        """From here on it is a WebSocket; ``rest`` is what came after the head. `state` is OPEN already."""

    # -- in both phases

    def set_deadline(self, delay: float | None) -> None:
        """Call `RawReceiver.deadline_reached` or `Upper._deadline_reached` in ``delay`` seconds.

        A line has one deadline: each call replaces the last; None takes it away.
        """

    def half_close(self) -> None:
        """Send FIN (TLS: close_notify first) once all that is queued has left; reading goes on. Idempotent."""

    def discard(self) -> None:
        """Read and throw away from now on, paused or not; at the peer's end, close the descriptor.

        Nothing is called upward any more but the deadline and the end.
        """

    def abort(self) -> None:
        """Drop what is queued and close the descriptor now; with a reset, where bytes are lost.

        `state` is CLOSING at once, and `_connection_lost` comes later, never inside this call. Idempotent.
        """

    def close_descriptor(self) -> None:
        """Close the connection once all that is queued has left; idempotent."""

    def unread(self) -> bool:
        """Whether the kernel or TLS holds bytes of the peer that were not read; True where that cannot be known.

        Bytes that were read, and wait here for room in the queue, do not count: they were `heard` in their time.
        """
        ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As `asyncio.BaseTransport.get_extra_info`."""

    # -- frames, hot: what users call for each message; written for each engine, documented here

    def send(
        self, message: Any, *, text: bool | None = None, compress: bool | None = None
    ) -> Coroutine[Any, Any, None]:
        """Send a message.

        Waits while more bytes than the high mark of ``write_limit`` are not sent, until they are down to the low one;
        and while a fragmented message is being sent. Several coroutines may send at once: each message goes whole.

        Cancel: safe where ``message`` is a whole message; if it had begun to wait, the message has been queued, and
        will be sent. In the middle of a fragmented message it fails the connection with code 1011, since nothing else
        could follow.

        (For engines: what is no whole message, or comes while `fragmenting` or not OPEN, goes to `Upper._send_slow`.)

        Args:
            message: str is sent as text, bytes-like as binary (RFC 6455 section 5.6). An iterable or async iterable of
                either is sent as one fragmented message, each item as it comes (section 5.4); its items must be all
                str or all bytes-like. An empty one sends nothing.
            text: True: send bytes, which must be UTF-8, as text. False: send str as binary. None: as what it is.
            compress: Where compression was agreed on: False leaves this message uncompressed, True compresses it
                however short it is; None: from the extension's threshold on.

        Raises:
            ConnectionClosed: the connection is closed. While it is closing, this waits for the end first.
            TypeError: ``message``, or an item of it, is of another type, a dict included.
            Exception: whatever the iterable raises; it fails the connection with code 1011.
        """
        ...

    @overload
    def recv(self, decode: Literal[True]) -> Coroutine[Any, Any, str]: ...
    @overload
    def recv(self, decode: Literal[False]) -> Coroutine[Any, Any, bytes]: ...
    @overload
    def recv(self, decode: bool | None = None) -> Coroutine[Any, Any, Message]: ...
    def recv(self, decode: bool | None = None) -> Coroutine[Any, Any, Message]:
        """Receive the next message, whole.

        Messages that came before the end of the connection are returned before it raises.

        Cancel: safe; no message is lost.

        (For engines: releases a `_hold` before it suspends, and raises only once CLOSED.)

        Args:
            decode: None: str for text, bytes for binary. True: str, also for binary, which must be UTF-8. False: bytes.

        Raises:
            ConnectionClosedOK: the connection was closed normally.
            ConnectionClosedError: it was closed by an error, or lost; also where ``decode=True`` meets binary data that
                are no UTF-8, which fails the connection with code 1007.
            ConcurrencyError: another coroutine receives, or a listener does.
        """
        ...

    def __aiter__(self) -> AsyncIterator[Message]:
        """Iterate over the messages, as `recv` gives them; ends when the connection is closed normally."""
        ...

    def send_nowait(
        self, message: Message | BytesLike, *, text: bool | None = None, compress: bool | None = None
    ) -> int:
        """Send a whole message without waiting; for callbacks.

        What is sent while the messages of one read are worked off leaves together, in one system call.

        Args:
            message: As in `send`, but no iterable.
            text: As in `send`.
            compress: As in `send`.

        Returns:
            Bytes of this connection that the kernel has refused so far; 0 while what was sent is gathered. Who sends
            much stops above some number of them, and goes on in `Listener.on_drain`. ``max_unsent`` is the bound: what
            would pass it aborts the connection.

        Raises:
            ConnectionClosed: the connection is closed or closing.
            ConcurrencyError: a fragmented message is being sent.
            TypeError: ``message`` is neither str nor bytes-like.
        """
        ...

    def flush(self) -> None:
        """Hand to the kernel now what was sent and is still gathered."""

    def drop_unsent(self) -> None:
        """Throw away what is queued here and has not begun to leave, for a peer that would never take it.

        Whole frames alone: what comes next on the wire, such as a Close frame, is still understood. What the kernel has
        is on its way. (Over TLS, a record that OpenSSL has begun is not dropped, nor what stands behind it.)
        """

    def pause(self) -> None:
        """Stop receiving until `resume`: nothing is read, parsed or delivered, pings included. Closing ends it."""

    def resume(self) -> None:
        """Go on after `pause`; messages come in a later turn of the loop, never inside this call."""

    # -- frames, for the upper half

    def _queue_frames(self, data: BytesLike) -> None:
        """Queue whole frames, in the order of the calls. Calls `Upper._overrun` instead where the bound is hit."""

    def _queue_urgent(self, opcode: Opcode, frame: bytes) -> None:
        """Queue a ping or a pong: it leaves at the next frame boundary.

        A newer one of the same opcode replaces one that still waits (RFC 6455 section 5.5.3).
        """

    def _deliver(self, message: Message) -> None:
        """Give a message to the listener, the coroutine that waits, or the queue.

        In state CLOSING a message that finds the queue full is thrown away.
        """

    def _queued(self) -> int:
        """How many messages wait for `recv`."""
        ...

    def _queue_full(self) -> bool:
        """Whether nothing more may be parsed: the queue is full, or the line is paused or held. Never in CLOSING."""
        ...

    def _receiving(self) -> bool:
        """Whether a coroutine waits in `recv`."""
        ...

    def _hold(self) -> None:
        """Read and parse nothing more until `_release`, or until a `recv` has to wait."""

    def _release(self) -> None: ...

    def _wake_all(self) -> None:
        """Let every coroutine that waits in this line look at the state again."""

    async def _wait_readable(self) -> None:
        """Wait until a message is queued, or until `_wake_all`, whatever that finds; as `recv`, one at a time."""

    async def _wait_writable(self) -> None:
        """Wait until `unsent` is at or below `write_low`; raises ConnectionClosed when the connection ends."""


class Upper(_Attributes, Protocol):
    """The upper half: what a line calls on `Connection`."""

    def _connection_made(self) -> None:
        """The line is attached to a connection; no byte was read yet. The place to call `Line.begin_raw`."""

    def _receive_rare(self, data: BytesLike) -> None:
        """Bytes from the start of a frame on, or whatever follows while there is a `protocol`.

        Parsing stops where `Line._queue_full`; the rest waits in the protocol. A line that goes on calls this with
        ``b""`` first, if there is a `protocol`.
        """

    def _receive_failed(self, error: Exception) -> None:
        """The fast path met wrong UTF-8 or wrong deflate data: fail the connection."""

    def _eof_received(self) -> None:
        """The peer will send nothing more."""

    def _connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; called exactly once, with `state` CLOSED, never inside a call from above."""

    def _deadline_reached(self) -> None:
        """The deadline is over; what lay unread in the kernel has been read where that is possible."""

    def _closed_error(self) -> ConnectionClosed:
        """Make the exception that `recv` and `send` raise when the connection is closed."""
        ...

    def _callback_failed(self, exc: Exception) -> None:
        """A listener's callback raised ``exc``."""

    def _overrun(self) -> None:
        """`max_unsent` would be passed: abort the connection."""

    def _drained(self) -> None:
        """`unsent` was above `write_high`, and is at or below `write_low` again."""

    async def _send_slow(self, message: Any, text: bool | None, compress: bool | None) -> None:
        """Send what is no whole message, or while `fragmenting`, or not OPEN."""


class Acceptor(Protocol):
    """A listening socket that makes lines."""

    def close(self) -> None:
        """Stop accepting and close the listening socket; connections that were accepted stay. Idempotent."""


class Engine(Protocol):
    """Where lines come from; one for each loop."""

    @property
    def name(self) -> Literal["native", "portable"]: ...

    @property
    def line_class(self) -> type[Any]:
        """The `Line` of this engine, to be joined with an upper half."""
        ...

    def fan_out(self, lines: list[Any], frame: bytes, /) -> None:
        """Queue one unmasked frame on many open lines of this engine and loop, each within its bound."""

    async def listen(
        self,
        sock: socket.socket,
        factory: Callable[[], Any],
        *,
        ssl: ssl.SSLContext | None = None,
        backlog: int = 100,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> Acceptor:
        """Accept connections on ``sock``, which is bound.

        Out of descriptors (EMFILE, ENFILE), accepting pauses, says so once, and goes on when there are some.

        Args:
            sock: A bound stream socket; owned by the acceptor from now on.
            factory: Called without arguments for each connection; returns its line.
            ssl: Puts TLS on each connection before its line is attached.
            backlog: Of `socket.listen`.
            ssl_handshake_timeout: Seconds for the TLS handshake; None: 60.
            ssl_shutdown_timeout: Seconds for the TLS shutdown; None: 30.
        """
        ...

    async def adopt(
        self,
        sock: socket.socket,
        line: Any,
        *,
        ssl: ssl.SSLContext | None = None,
        server_side: bool = False,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> None:
        """Attach ``line`` to ``sock``, which is connected, after the TLS handshake if there is one.

        Raises:
            OSError: the connection or its TLS handshake failed; ``sock`` is closed.
        """
