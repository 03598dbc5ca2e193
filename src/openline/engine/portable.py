"""Lines over asyncio transports: for platforms and loops without the native engine, and for transports of others.

A `Line` is an `asyncio.Protocol`. It keeps its own queue above the transport, and gives the transport more only when
that has nothing left: so a ping can overtake what waits, and what waits is counted. Every byte goes through the
sans-I/O protocol, one event at a time, so that parsing stops where the queue of messages is full.
"""

from __future__ import annotations

import asyncio
import socket
import ssl as ssl_module
import struct
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from openline.engine.deadlines import Deadline, Deadlines
from openline.engine.kernel import unacknowledged, unread
from openline.engine.send_queue import SendQueue
from openline.exceptions import ConcurrencyError, ConnectionClosed, ConnectionClosedOK
from openline.protocol.frames import Opcode
from openline.protocol.states import Side, State

if TYPE_CHECKING:
    from openline.engine.base import BytesLike, FrameTrace, LineListener, LineOptions, Message, RawReceiver
    from openline.engine.base import Upper as _Upper
    from openline.protocol.connection import Protocol
    from openline.protocol.extensions.base import Extension
    from openline.protocol.extensions.permessage_deflate import PerMessageDeflate

    class _Base(asyncio.Protocol, _Upper):
        pass
else:
    _Base = asyncio.Protocol

__all__ = ["Line"]

_WHOLE = (str, bytes, bytearray, memoryview)


class _Unattached(asyncio.Transport):
    """Stands where the transport will be."""

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return True

    def abort(self) -> None:
        pass


class Line(_Base):
    """The lower half of a connection; see `openline.engine.base.Line` for what each name means."""

    side: Side
    """Set by the upper half's class."""

    __slots__ = (
        "_aborted",
        "_corked",
        "_crowded",
        "_deadline",
        "_deadlines",
        "_early",
        "_eof",
        "_finish",
        "_full",
        "_going_on",
        "_handshaking",
        "_held",
        "_mode",
        "_names",
        "_out",
        "_paused",
        "_queue",
        "_reader",
        "_reading",
        "_receiver",
        "_stuffed",
        "_tls",
        "_transport",
        "_writers",
        "deflate",
        "extensions",
        "extra",
        "fragmenting",
        "heard",
        "latency",
        "listener",
        "loop",
        "options",
        "pings",
        "protocol",
        "state",
        "streaming",
        "trace",
        "written",
    )

    keeps_protocol = True

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.options: LineOptions = cast("LineOptions", None)
        self.state = State.CONNECTING
        self.protocol: Protocol | None = None
        self.listener: LineListener | None = None
        self.deflate: PerMessageDeflate | None = None
        self.extensions: tuple[Extension, ...] = ()
        self.pings: dict[bytes, tuple[asyncio.Future[float] | None, float]] | None = None
        self.fragmenting: asyncio.Future[None] | None = None
        self.streaming = False
        self.trace: FrameTrace | None = None
        self.heard = 0.0
        self.latency = 0.0
        self.extra: Any = None
        self.written = 0

        self._transport: asyncio.Transport = _Unattached()
        self._names: dict[str, Any] = {}
        self._tls = False
        self._mode: Literal["idle", "raw", "frames", "discard"] = "idle"
        self._receiver: RawReceiver | None = None
        self._deadlines = Deadlines.of(self.loop)
        self._deadline: Deadline | None = None
        # Reading.
        self._aborted = False  # nothing that came is told any more
        self._early = b""  # came before anybody wanted it
        self._eof = False  # the peer's end has come, and nobody was told yet
        self._reading = True
        self._paused = False
        self._held = False
        self._full = False  # the queue was at its high mark, and is not yet at its low one
        self._handshaking = False  # TLS is being put on the transport
        self._going_on = False  # `_go_on` will be called
        self._queue: deque[Message] = deque()
        self._reader: asyncio.Future[None] | None = None
        # Writing.
        self._out = SendQueue()
        self._stuffed = False  # the transport has something left
        self._corked = False
        self._crowded = False  # above the high-water mark since the last time below the low one
        self._finish: Literal["half", "whole"] | None = None
        self._writers: list[asyncio.Future[None]] | None = None

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        self._transport = cast("asyncio.Transport", transport)
        # From 1 byte on the transport says so, and again when it has none: what waits, waits in our queue. (Not from 0:
        # over TLS, asyncio takes an empty buffer for a full one then.)
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._tls = transport.get_extra_info("ssl_object") is not None
        # Kept, since some transports forget them at the end.
        self._names = {name: transport.get_extra_info(name) for name in ("peername", "sockname")}
        self.heard = time.monotonic()
        self._connection_made()
        self._update_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.heard = time.monotonic()
        if self._early and self._mode != "discard":
            # Not ahead of what waits for its turn.
            self._early += data
        elif self._mode == "frames":
            self._receive(data)
        elif self._mode == "raw":
            assert self._receiver is not None
            self._receiver.data_received(data)
        elif self._mode == "idle":
            self._early += data
            self._update_reading()

    def eof_received(self) -> bool:
        """The peer's end came; the transport is to stay open for what we still have to say, where it can."""
        self._eof = True
        self._tell_eof()
        return not self._tls

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        if self.state is State.CLOSED:
            return
        self.set_deadline(None)
        self.state = State.CLOSED
        self._out.clear()
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.connection_lost(exc)
        elif self._mode != "idle":
            self._connection_lost(exc)
            if self._mode == "frames" and self.listener is None and (self._paused or self._held):
                # What was kept back can still be received.
                self._paused = self._held = False
                self._schedule()
        self._wake_all()

    def pause_writing(self) -> None:
        """The transport has something left."""
        self._stuffed = True

    def resume_writing(self) -> None:
        """The transport has nothing left."""
        self._stuffed = False
        self._pump()

    # Both phases.

    @property
    def plain(self) -> bool:
        """See `openline.engine.base.Line`."""
        return (
            self.state is State.OPEN
            and self.side is Side.SERVER
            and not self.extensions
            and self.fragmenting is None
        )

    @staticmethod
    def split_plain(lines: Iterable[Any], /) -> tuple[list[Any], list[Any]]:
        """See `openline.engine.base.Line`."""
        plain: list[Any] = []
        others: list[Any] = []
        for line in lines:
            (plain if isinstance(line, Line) and line.plain else others).append(line)
        return plain, others

    @property
    def unsent(self) -> int:
        """See `openline.engine.base.Line`."""
        if self.state is State.CLOSED:
            return 0
        return self._out.size + self._transport.get_write_buffer_size()

    @property
    def taken(self) -> int:
        """See `openline.engine.base.Line`."""
        return self.written - self.unsent - unacknowledged(self._fileno())

    def unread(self) -> bool:
        """See `openline.engine.base.Line`."""
        count = unread(self._fileno())
        if count is None or (self._tls and not self._reading):
            # asyncio's TLS reads ahead of us, as far as it has room, and does not say how far.
            return not self._reading
        return count > 0

    def _fileno(self) -> int:
        sock = self._transport.get_extra_info("socket")
        return -1 if sock is None else sock.fileno()

    def set_deadline(self, delay: float | None) -> None:
        """See `openline.engine.base.Line`."""
        if self._deadline is not None:
            self._deadlines.remove(self._deadline)
            self._deadline = None
        if delay is not None and self.state is not State.CLOSED:
            self._deadline = self._deadlines.add(delay, self._expire)

    def _expire(self) -> None:
        self._deadline = None
        if self._receiver is not None:
            self._receiver.deadline_reached()
        else:
            self._deadline_reached()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See `openline.engine.base.Line`."""
        found = self._names.get(name)
        return self._transport.get_extra_info(name, default) if found is None else found

    def half_close(self) -> None:
        """See `openline.engine.base.Line`."""
        if self._finish is None:
            self._finish = "half"
            self._finish_now()

    def close_descriptor(self) -> None:
        """See `openline.engine.base.Line`."""
        if self._finish != "whole":
            self._finish = "whole"
            self._finish_now()

    def _finish_now(self) -> None:
        """End our side, if that was asked for and nothing waits here; the transport sends first what it has left."""
        if self._finish is None or self._out.size or self._corked or self._transport.is_closing():
            return
        if self._finish == "whole" or not self._transport.can_write_eof():
            # TLS: close_notify, then waits for the peer's, reading and throwing away.
            self._transport.close()
        else:
            try:
                self._transport.write_eof()
            except (OSError, RuntimeError):  # the peer has gone already
                self._transport.abort()

    def discard(self) -> None:
        """See `openline.engine.base.Line`."""
        if self._mode != "discard":
            self._mode = "discard"
            self._update_reading()
            self._tell_eof()

    def abort(self) -> None:
        """See `openline.engine.base.Line`."""
        if self.state is State.CLOSED:
            return
        if self.unsent:
            self._reset_on_close()
        self._aborted = True
        self.state = State.CLOSING
        self._out.clear()
        self._transport.abort()

    def _reset_on_close(self) -> None:
        """Have the kernel drop its send buffer, too, and tell the peer that bytes are missing."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                return  # closed already, or no socket that can

    # The raw phase.

    def begin_raw(self, receiver: RawReceiver) -> None:
        """See `openline.engine.base.Line`."""
        if self.state is State.CLOSED:
            self.loop.call_soon(receiver.connection_lost, None)
            return
        self._receiver = receiver
        self._mode = "raw"
        if self._early or self._eof:
            self._schedule()
        self._update_reading()

    def write_raw(self, data: BytesLike) -> int:
        """See `openline.engine.base.Line`."""
        self._out.push(data)
        self.written += len(data)
        self._pump()
        return self.unsent

    def pause_raw(self) -> None:
        """See `openline.engine.base.Line`."""
        self.pause()

    def resume_raw(self) -> None:
        """See `openline.engine.base.Line`."""
        self.resume()

    def start_tls(
        self, context: ssl_module.SSLContext, *, server_side: bool = False, server_hostname: str | None = None
    ) -> None:
        """See `openline.engine.base.Line`."""
        while (chunk := self._out.pop()) is not None:
            self._transport.write(chunk)
        # Until the handshake is done, what is written waits, and what comes is not ours.
        self._stuffed = self._handshaking = True
        self._transport.pause_reading()
        task = self.loop.create_task(self._start_tls(context, server_side, server_hostname))
        _handshakes.add(task)
        task.add_done_callback(_handshakes.discard)

    async def _start_tls(
        self, context: ssl_module.SSLContext, server_side: bool, server_hostname: str | None
    ) -> None:
        plain = self._transport
        try:
            transport = await self.loop.start_tls(
                plain, self, context, server_side=server_side, server_hostname=server_hostname
            )
        except Exception as error:
            plain.abort()
            self.connection_lost(error)
            return
        assert transport is not None
        self._transport = transport
        self._handshaking = False
        self._reading = True
        transport.set_write_buffer_limits(high=1, low=0)
        self._tls = True
        self._update_reading()
        self.resume_writing()

    def begin_frames(self, rest: bytes = b"") -> None:
        """See `openline.engine.base.Line`."""
        self._receiver = None
        self._mode = "frames"
        self._crowded = False
        self._early = rest + self._early
        if self._early or self._eof:
            self._schedule()
        self._update_reading()

    # Reading.

    def _receive(self, data: bytes) -> None:
        """Give bytes to the upper half; what that sends leaves in as few writes as possible."""
        self._corked = True
        try:
            self._receive_rare(data)
        finally:
            self._corked = False
            self._pump()
            self._update_reading()

    def _wants_data(self) -> bool:
        match self._mode:
            case "discard":
                return True
            case "frames":
                return not self._queue_full()
            case "raw":
                return not self._paused
            case "idle":
                # Enough to learn that the peer has gone.
                return not self._early

    def _update_reading(self) -> None:
        wanted = self._wants_data()
        if wanted is self._reading or self._handshaking or self._transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _schedule(self) -> None:
        """Go on in the next turn of the loop: who resumes is not to be called back inside his call."""
        if not self._going_on:
            self._going_on = True
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Work off what was kept: by the protocol, and by us."""
        if not self._going_on:
            return
        self._going_on = False
        if not self._wants_data() and self._mode != "idle":
            return
        early, self._early = self._early, b""
        if self._mode == "frames":
            if self.protocol is not None or early:
                self._receive(early)
        elif self._mode == "raw" and early:
            assert self._receiver is not None
            self._receiver.data_received(early)
        self._tell_eof()
        self._update_reading()

    def _tell_eof(self) -> None:
        """Tell of the peer's end, once all before it was worked off."""
        if not self._eof or self._early or self._going_on or self.state is State.CLOSED:
            return
        match self._mode:
            case "discard":
                self._eof = False
                self.close_descriptor()
            case "raw":
                self._eof = False
                assert self._receiver is not None
                self._receiver.eof_received()
            case "frames":
                if not self._queue_full():
                    self._eof = False
                    self._eof_received()
            case "idle":
                return

    def pause(self) -> None:
        """See `openline.engine.base.Line`."""
        self._paused = True
        self._update_reading()

    def resume(self) -> None:
        """See `openline.engine.base.Line`."""
        self._paused = False
        self._schedule()

    def _hold(self) -> None:
        self._held = True
        self._update_reading()

    def _release(self) -> None:
        self._held = False
        self._schedule()

    def _queued(self) -> int:
        return len(self._queue)

    def _queue_full(self) -> bool:
        return self._aborted or (
            self.state is not State.CLOSING and (self._full or self._paused or self._held)
        )

    def _receiving(self) -> bool:
        return self._reader is not None

    def _deliver(self, message: Message) -> None:
        listener = self.listener
        if listener is not None:
            try:
                self.options.context.copy().run(listener.on_message, self, message)
            except Exception as error:
                self._callback_failed(error)
            return
        high = self.options.max_queue_high
        queue = self._queue
        if high is not None and len(queue) + 1 >= high:
            if self.state is State.CLOSING and len(queue) >= max(high, 1):
                return
            self._full = True
        queue.append(message)
        self._wake_reader()

    def _pop(self) -> Message:
        message = self._queue.popleft()
        if self._full and len(self._queue) <= (self.options.max_queue_low or 0):
            self._full = False
            self._schedule()
        return message

    async def recv(self, decode: bool | None = None) -> Any:
        """See `openline.engine.base.Line`."""
        if self.streaming or self._reader is not None:
            raise ConcurrencyError(
                "cannot call recv while another coroutine is already running recv or recv_streaming"
            )
        if self.listener is not None:
            raise ConcurrencyError("messages of this connection go to its listener")
        while not self._queue:
            if self._going_on:
                self._go_on()
            elif self.state is State.CLOSED:
                raise self._closed_error()
            else:
                await self._wait_readable()
        message = self._pop()
        if decode is False and isinstance(message, str):
            return message.encode()
        if decode and isinstance(message, bytes):
            try:
                return message.decode()
            except UnicodeDecodeError as error:
                raise self._undecodable(error) from error
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.recv()
        except ConnectionClosedOK:
            raise StopAsyncIteration from None

    async def _wait_readable(self) -> None:
        if self._reader is not None:
            raise ConcurrencyError("cannot receive while another coroutine is already receiving")
        if self._queue or self.state is State.CLOSED:
            return
        if self._held:
            self._release()
        self._reader = self.loop.create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _wake_writers(self) -> None:
        for writer in self._writers or ():
            if not writer.done():
                writer.set_result(None)

    def _wake_all(self) -> None:
        self._wake_reader()
        self._wake_writers()

    # Writing.

    async def send(self, message: Any, *, text: bool | None = None, compress: bool | None = None) -> None:
        """See `openline.engine.base.Line`."""
        if self.state is State.OPEN and self.fragmenting is None and isinstance(message, _WHOLE):
            self._put(self._encode_message(cast("object", message), text, compress), patient=True)
            if self.state is State.OPEN:
                if self.unsent > self.options.write_high:
                    await self._wait_writable()
                return
        await self._send_slow(message, text, compress)

    def send_nowait(
        self, message: Message | BytesLike, *, text: bool | None = None, compress: bool | None = None
    ) -> int:
        """See `openline.engine.base.Line`."""
        if self.state is not State.OPEN:
            raise self._closed_error()
        if self.fragmenting is not None:
            raise ConcurrencyError("a fragmented message is being sent")
        self._put(self._encode_message(message, text, compress))
        return 0 if self._corked and not self._stuffed else self.unsent

    def _queue_frames(self, data: BytesLike) -> None:
        self._put(data)

    @staticmethod
    def fan_out(lines: list[Line], frame: bytes, /) -> None:
        """See `openline.engine.base.Engine.fan_out`."""
        for line in lines:
            line._queue_frames(frame)

    def _queue_urgent(self, opcode: Opcode, frame: bytes) -> None:
        if self.state is State.CLOSED or self._finish is not None:
            return
        if self.trace is not None:
            self.trace.sent(frame)
        if self._stuffed:
            self.written += self._out.push_urgent(opcode, frame)
        else:
            # Nothing is in its way; and of several, each leaves.
            self._out.push(frame)
            self.written += len(frame)
            self._pump()

    def _put(self, frames: BytesLike, *, patient: bool = False) -> None:
        """Queue whole frames, within `max_unsent`; a patient sender waits, and holds its message anyway."""
        if self.state is State.CLOSED or self._finish is not None:
            return
        waiting = self.unsent
        limit = self.options.max_unsent
        if limit is not None and waiting and waiting + len(frames) > limit and self._corked:
            self._push_out()  # what is corked was not refused by anybody yet
            waiting = self.unsent
        if limit is not None and waiting and waiting + len(frames) > limit:
            self._overrun()
            return
        if self.trace is not None:
            self.trace.sent(frames)
        self._out.push(frames)
        self.written += len(frames)
        self._pump()
        if limit is not None and not waiting and not patient and not self._corked and self.unsent > limit:
            self._overrun()

    def flush(self) -> None:
        """See `openline.engine.base.Line`."""
        self._push_out()

    def drop_unsent(self) -> None:
        """See `openline.engine.base.Line`."""
        self.written -= self._out.size
        self._out.clear()

    def _push_out(self) -> None:
        """Hand over to the transport until it has something left."""
        if self._transport.is_closing():
            self._out.clear()
        while not self._stuffed and (chunk := self._out.pop()) is not None:
            self._transport.write(chunk)

    def _pump(self) -> None:
        """Write what can be written, and see who waits for that."""
        if self._corked or self.state is State.CLOSED:
            return
        self._push_out()
        unsent = self.unsent
        if self._mode == "raw":
            high = low = 0
        else:
            high, low = self.options.write_high, self.options.write_low
        if unsent > high:
            self._crowded = True
        elif self._crowded and unsent <= low:
            self._crowded = False
            self._wake_writers()
            if self._mode == "raw" and self._receiver is not None:
                self._receiver.drained()
            elif self._mode == "frames":
                self._drained()
        self._finish_now()

    async def _wait_writable(self) -> None:
        while self.unsent > self.options.write_low and self.state is not State.CLOSED:
            writer = self.loop.create_future()
            if self._writers is None:
                self._writers = []
            self._writers.append(writer)
            try:
                await writer
            finally:
                self._writers.remove(writer)
        if self.state is State.CLOSED:
            raise self._closed_error()

    if TYPE_CHECKING:

        def _undecodable(self, error: UnicodeDecodeError) -> ConnectionClosed: ...
        def _encode_message(self, message: object, text: bool | None, compress: bool | None) -> BytesLike: ...


_handshakes: set[asyncio.Task[None]] = set()
"""TLS handshakes under way: a loop keeps no strong reference to its tasks."""
