"""A connection, as threads use it."""

from __future__ import annotations

import asyncio
import codecs
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, Self, TypeVar, cast, overload

import openline.websocket.broadcast as fan_out
from openline.exceptions import ConcurrencyError, ConnectionClosed, ConnectionClosedOK
from openline.protocol.close_codes import CloseCode
from openline.protocol.http11 import Request, Response
from openline.protocol.states import State
from openline.sync.inbox import Inbox, InboxClientConnection, InboxServerConnection
from openline.sync.loop_thread import LoopThread
from openline.websocket.connection import Connection as AsyncConnection
from openline.websocket.options import LoggerLike
from openline.websocket.plain_response import plain_response

if TYPE_CHECKING:
    from openline.sync.server import Server

__all__ = ["ClientConnection", "Connection", "ServerConnection", "broadcast"]

Message = str | bytes
BytesLike = bytes | bytearray | memoryview

C = TypeVar("C", bound=AsyncConnection)

_END = object()

_Utf8Decoder = codecs.getincrementaldecoder("utf-8")


class Connection(Generic[C]):
    """A WebSocket connection for threads; made by ``connect`` and ``serve``, not by hand.

    One thread may receive while others send. Every method may be called from any thread but openline's own.
    """

    def __init__(self, ws: C, thread: LoopThread) -> None:
        self._ws = ws
        self._thread = thread
        # Looked up once, in the loop's thread: later on the descriptor may be somebody else's.
        self._addresses = (ws.local_address, ws.remote_address)
        self._receiving = threading.Lock()
        self._parts: list[Message] = []
        self._streaming = False
        # What waits for the loop's thread, to be sent there.
        self._posting = threading.Lock()
        self._posted: list[tuple[bytes, bool]] = []
        self._posted_size = 0

    def __repr__(self) -> str:
        return repr(self._ws)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(CloseCode.NORMAL_CLOSURE if exc_type is None else CloseCode.INTERNAL_ERROR)

    # What it is.

    @property
    def id(self) -> uuid.UUID:
        """A random identifier for this connection, for logs."""
        return self._ws.id

    @property
    def logger(self) -> LoggerLike:
        """The logger of its server or client."""
        return self._ws.logger

    @property
    def local_address(self) -> Any:
        """The local address of the connection."""
        return self._addresses[0]

    @property
    def remote_address(self) -> Any:
        """The peer's address; a proxy between here and there is the peer."""
        return self._addresses[1]

    @property
    def latency(self) -> float:
        """Round-trip time that the last answered ping measured, in seconds; 0.0 before."""
        return self._ws.latency

    @property
    def state(self) -> State:
        """State of the connection."""
        return self._ws.state

    @property
    def request(self) -> Request | None:
        """The request of the opening handshake."""
        return self._ws.request

    @property
    def response(self) -> Response | None:
        """The response of the opening handshake."""
        return self._ws.response

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on. None: none was."""
        return self._ws.subprotocol

    @property
    def close_code(self) -> int | None:
        """The close code that was received; 1006 if none was. None: not closed yet."""
        return self._ws.close_code

    @property
    def close_reason(self) -> str | None:
        """The close reason that was received. None: not closed yet."""
        return self._ws.close_reason

    # Receiving.

    def __iter__(self) -> Iterator[Message]:
        """Iterate over messages; ends when the connection is closed with 1000, 1001 or no code.

        Raises:
            ConnectionClosedError: when it is closed otherwise.
        """
        while True:
            try:
                yield self.recv()
            except ConnectionClosedOK:
                return

    @overload
    def recv(self, timeout: float | None = None, *, decode: Literal[True]) -> str: ...
    @overload
    def recv(self, timeout: float | None = None, *, decode: Literal[False]) -> bytes: ...
    @overload
    def recv(self, timeout: float | None = None, decode: bool | None = None) -> Message: ...
    def recv(self, timeout: float | None = None, decode: bool | None = None) -> Message:
        """Receive the next message.

        Args:
            timeout: Seconds to wait for it. None: for ever. 0: only if it is here already.
            decode: None: str for text, bytes for binary. True: str, also for binary, which must be UTF-8. False: bytes.

        Raises:
            TimeoutError: if none came in time; none is lost.
            ConnectionClosed: when the connection is closed.
            ConcurrencyError: if another thread receives.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._only_receiver("recv"):
            end = False
            while not end:
                # What has come of a message stays in `_parts` when the time is over.
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                end = self._receive_part(left)
            message = _join(self._parts)
            self._parts.clear()
        if decode is False and isinstance(message, str):
            return message.encode()
        if decode and isinstance(message, bytes):
            try:
                return message.decode()
            except UnicodeDecodeError as exc:
                self._undecodable(exc)
        return message

    def _receive_part(self, timeout: float | None) -> bool:
        item = cast("Inbox", self._ws.listener).get(self._ws, timeout)
        if item is None:
            raise self._ws._closed_error()  # pyright: ignore[reportPrivateUsage]
        self._parts.append(item[0])
        return item[1]

    def _undecodable(self, exc: UnicodeDecodeError) -> NoReturn:
        """The program asked for text, and this is none."""
        self.close(CloseCode.INVALID_DATA, f"{exc.reason} at position {exc.start}")
        raise self._ws._closed_error() from exc  # pyright: ignore[reportPrivateUsage]

    @overload
    def recv_streaming(self, decode: Literal[True]) -> Iterator[str]: ...
    @overload
    def recv_streaming(self, decode: Literal[False]) -> Iterator[bytes]: ...
    @overload
    def recv_streaming(self, decode: bool | None = None) -> Iterator[Message]: ...
    def recv_streaming(self, decode: bool | None = None) -> Iterator[Message]:
        """Receive the next message fragment by fragment, as they come.

        The iterator must be consumed to its end; otherwise `recv` and this raise `ConcurrencyError` from then on.

        Args:
            decode: See `recv`.

        Raises:
            ConnectionClosed: when the connection is closed.
            ConcurrencyError: if another thread receives.
        """
        with self._only_receiver("recv_streaming"):
            decoder = None
            end = False
            while not end:
                end = self._receive_part(None)
                self._streaming = not end
                part = _join(self._parts)
                self._parts.clear()
                if decode is False and isinstance(part, str):
                    part = part.encode()
                elif decode and isinstance(part, bytes):
                    decoder = decoder or _Utf8Decoder()
                    try:
                        part = decoder.decode(part, final=end)
                    except UnicodeDecodeError as exc:
                        self._undecodable(exc)
                yield part

    @contextmanager
    def _only_receiver(self, name: str) -> Generator[None, None, None]:
        if not self._receiving.acquire(blocking=False):
            raise ConcurrencyError(
                f"cannot call {name} while another thread is already running recv or recv_streaming"
            )
        try:
            if self._streaming:
                raise ConcurrencyError(f"cannot call {name} after a recv_streaming that was not consumed")
            yield
        finally:
            self._receiving.release()

    # Sending.

    def send(
        self, message: Message | BytesLike | Iterable[Message | BytesLike], *, text: bool | None = None
    ) -> None:
        """Send a message: str as text, bytes-like as binary, an iterable of one of them as fragments.

        Waits while more than ``write_limit`` bytes are not sent.

        Args:
            message: The message. An iterable is iterated over in this thread; where it raises, the message cannot be
                completed, and the connection is failed with code 1011.
            text: True: send bytes-like as text; False: send str as binary. None: by type.

        Raises:
            ConnectionClosed: when the connection is closed.
            TypeError: if ``message`` is nothing of the above.
        """
        fragments = _fragments(message)
        if fragments is not None:
            self._send_fragments(fragments, text)
        elif not self._post(message, text):
            self._thread.run(self._ws.send(message, text=text))

    def _post(self, message: object, text: bool | None) -> bool:
        """Leave a message for the loop's thread without waiting for it, which is expensive.

        Only while little is unsent, and nothing is in the way: otherwise it is for `openline.Connection.send` to wait,
        or to raise; False then.
        """
        if isinstance(message, str):
            # Here, so that a lone surrogate is the caller's error.
            payload, as_text = message.encode(), text is not False
        elif isinstance(message, bytes | bytearray | memoryview):
            # A copy, since the caller may change what can be changed.
            payload, as_text = bytes(cast("bytes", message)), bool(text)
        else:
            return False
        ws = self._ws
        with self._posting:
            if ws.state is not State.OPEN or ws.fragmenting is not None:
                return False
            if self._posted_size + ws.unsent + len(payload) > ws.options.write_high:
                return False
            self._posted.append((payload, as_text))
            self._posted_size += len(payload)
            if len(self._posted) == 1:
                ws.loop.call_soon_threadsafe(self._send_posted)
        return True

    def _send_posted(self) -> None:
        with self._posting:
            posted, self._posted, self._posted_size = self._posted, [], 0
        ws = self._ws
        for number, (payload, as_text) in enumerate(posted):
            if ws.state is not State.OPEN:
                return  # it was closed meanwhile: what was sent last may always be lost then
            if ws.fragmenting is not None:
                # Another thread has begun a message in fragments meanwhile.
                self._thread.keep(self._send_later(posted[number:]))
                return
            ws.send_nowait(payload, text=as_text)
        ws.flush()

    async def _send_later(self, posted: list[tuple[bytes, bool]]) -> None:
        with suppress(ConnectionClosed):
            for payload, as_text in posted:
                await self._ws.send(payload, text=as_text)

    def _send_fragments(self, fragments: Iterator[Message | BytesLike], text: bool | None) -> None:
        loop = self._thread.loop
        sending = self._thread.call(_Sending, loop, self._ws, text)
        try:
            for fragment in fragments:
                if not self._thread.run(sending.give(fragment)):
                    break
        except BaseException as exc:
            self._thread.run(sending.give(exc))
            raise
        finally:
            self._thread.run(sending.end())

    # Pings, and the end.

    def ping(self, data: str | BytesLike | None = None, *, ack_on_close: bool = False) -> threading.Event:
        """Send a ping.

        Args:
            data: At most 125 bytes to be sent back; text as UTF-8. None: random bytes.
            ack_on_close: Set the event when the connection is closed, too: whoever waits must look at `state` then.

        Returns:
            An event that is set when the answer comes; it need not be waited for.

        Raises:
            ConnectionClosed: when the connection is closed.
            ConcurrencyError: if a ping with the same data still waits for its answer.
        """
        answered = threading.Event()

        async def ping() -> None:
            pong = asyncio.ensure_future(await self._ws.ping(data))

            def done(future: asyncio.Future[float]) -> None:
                if future.cancelled() or (future.exception() is not None and not ack_on_close):
                    return
                answered.set()

            pong.add_done_callback(done)

        self._thread.run(ping())
        return answered

    def pong(self, data: str | BytesLike = b"") -> None:
        """Send a pong that nobody asked for: a sign of life.

        Args:
            data: At most 125 bytes.
        """
        self._thread.run(_await(self._ws.pong(data)))

    def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection, and wait until it is closed. Idempotent.

        Args:
            code: Close code (RFC 6455 section 7.4).
            reason: Close reason; up to 123 bytes as UTF-8.
        """
        self._thread.run(self._ws.close(code, reason))

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait until the connection is closed.

        Args:
            timeout: Seconds. None: for ever.

        Returns:
            Whether it is closed.
        """

        async def wait() -> None:
            async with asyncio.timeout(timeout):
                await self._ws.wait_closed()

        try:
            self._thread.run(wait())
        except TimeoutError:
            return False
        return True


def _join(parts: list[Message]) -> Message:
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], str):
        return "".join(part for part in parts if isinstance(part, str))
    return b"".join(part for part in parts if isinstance(part, bytes))


class _Sending:
    """A message on its way from the fragments of a thread to the connection in the loop; lives in the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ws: AsyncConnection, text: bool | None) -> None:
        # One fragment at a time: whoever makes them waits until the connection takes more.
        self._fragments: asyncio.Queue[object] = asyncio.Queue(1)
        self._task = loop.create_task(_await(ws.send(self._given(), text=text)))

    async def _given(self) -> AsyncIterator[Any]:
        while (fragment := await self._fragments.get()) is not _END:
            if isinstance(fragment, BaseException):
                raise fragment
            yield fragment

    async def give(self, fragment: object) -> bool:
        """Hand over a fragment, or the exception that came instead; False: the connection takes no more."""
        giving = asyncio.ensure_future(self._fragments.put(fragment))
        await asyncio.wait([giving, self._task], return_when=asyncio.FIRST_COMPLETED)
        giving.cancel()
        return not self._task.done()

    async def end(self) -> None:
        """There are no more fragments; raises what sending them has raised."""
        await self.give(_END)
        await self._task


def _fragments(message: object) -> Iterator[Message | BytesLike] | None:
    """Return an iterator over the fragments of a message; None: it is whole, or nothing that can be sent."""
    if isinstance(message, Iterable) and not isinstance(
        message, str | bytes | bytearray | memoryview | Mapping
    ):
        return iter(cast("Iterable[Message | BytesLike]", message))
    return None


async def _await(awaitable: Awaitable[Any]) -> None:
    await awaitable


class ClientConnection(Connection[InboxClientConnection]):
    """A connection to a server; made by ``connect``."""


class ServerConnection(Connection[InboxServerConnection]):
    """A connection that a client has opened; made by ``serve``.

    Attributes:
        server: The server that the client has connected to.
        username: Who the client is, as `basic_auth` has found out; not there otherwise.
    """

    def __init__(self, ws: InboxServerConnection, thread: LoopThread, server: Server) -> None:
        super().__init__(ws, thread)
        self.server = server
        self.username: str

    def respond(self, status: HTTPStatus | int, text: str) -> Response:
        """Make a plain-text response, for ``process_request`` or ``process_response`` to return.

        Args:
            status: HTTP status code.
            text: The body; sent as UTF-8.
        """
        return plain_response(status, text)


def broadcast(
    connections: Iterable[Connection[Any]],
    message: Message | BytesLike,
    *,
    text: bool | None = None,
    raise_exceptions: bool = False,
) -> None:
    """Send a message to several connections, as `openline.broadcast` does: without waiting for slow ones.

    Args:
        connections: Connections of `openline.sync`; those that are not open are left out.
        message: str, sent as text, or bytes-like, sent as binary.
        text: See `Connection.send`.
        raise_exceptions: See `openline.broadcast`.
    """
    connections = list(connections)
    if connections:
        thread = connections[0]._thread  # pyright: ignore[reportPrivateUsage]
        lines = [connection._ws for connection in connections]  # pyright: ignore[reportPrivateUsage]

        async def send() -> None:
            fan_out.broadcast(lines, message, text=text, raise_exceptions=raise_exceptions)

        thread.run(send())
