"""A connection, as threads use it."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, cast, overload

import openline.websocket.broadcast as fan_out
from openline.exceptions import ConcurrencyError, ConnectionClosedOK
from openline.protocol.close_codes import CloseCode
from openline.protocol.http11 import Request, Response
from openline.protocol.states import State
from openline.sync.loop_thread import LoopThread
from openline.websocket.client_connection import ClientConnection as AsyncClientConnection
from openline.websocket.connection import Connection as AsyncConnection
from openline.websocket.options import LoggerLike
from openline.websocket.plain_response import plain_response
from openline.websocket.server_connection import ServerConnection as AsyncServerConnection

if TYPE_CHECKING:
    from openline.sync.server import Server

__all__ = ["ClientConnection", "Connection", "ServerConnection", "broadcast"]

Message = str | bytes
BytesLike = bytes | bytearray | memoryview

C = TypeVar("C", bound=AsyncConnection)

_END = object()


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
        # Messages that came along with one that was asked for: each crossing between the threads is expensive.
        self._fetched: deque[Message] = deque()

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
        with self._only_receiver("recv"):
            if not self._fetched:
                self._fetched.extend(self._thread.run(self._fetch(timeout)))
            message = self._fetched.popleft()
        if decode is False and isinstance(message, str):
            return message.encode()
        if decode and isinstance(message, bytes):
            try:
                return message.decode()
            except UnicodeDecodeError as exc:
                # The program asked for text, and this is none.
                self.close(CloseCode.INVALID_DATA, f"{exc.reason} at position {exc.start}")
                raise self._ws._closed_error() from exc  # pyright: ignore[reportPrivateUsage]
        return message

    async def _fetch(self, timeout: float | None) -> list[Message]:
        ws = self._ws
        async with asyncio.timeout(timeout):
            messages = [await ws.recv()]
        while ws._queued():  # pyright: ignore[reportPrivateUsage]
            messages.append(await ws.recv())
        return messages

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
            here = bool(self._fetched)
            if not here:
                fragments = self._ws.recv_streaming(decode)
                while (fragment := self._thread.run(_next(fragments))) is not _END:
                    yield cast("Message", fragment)
        if here:
            yield self.recv(decode=decode)

    @contextmanager
    def _only_receiver(self, name: str) -> Generator[None, None, None]:
        if not self._receiving.acquire(blocking=False):
            raise ConcurrencyError(
                f"cannot call {name} while another thread is already running recv or recv_streaming"
            )
        try:
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
        if fragments is None:
            self._thread.run(self._ws.send(message, text=text))
        else:
            self._send_fragments(fragments, text)

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


async def _next(iterator: AsyncIterator[Message]) -> object:
    return await anext(iterator, _END)


class ClientConnection(Connection[AsyncClientConnection]):
    """A connection to a server; made by ``connect``."""


class ServerConnection(Connection[AsyncServerConnection]):
    """A connection that a client has opened; made by ``serve``.

    Attributes:
        server: The server that the client has connected to.
        username: Who the client is, as `basic_auth` has found out; not there otherwise.
    """

    def __init__(self, ws: AsyncServerConnection, thread: LoopThread, server: Server) -> None:
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
