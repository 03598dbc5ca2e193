"""How a connection ends (RFC 6455 section 7), and the sans-I/O protocol's part in it.

What may be sent when, and who shuts down TCP first, stands in the tables of `openline.protocol.states`. Here it is
done: output is handed to the line, the line is told to shut down, and one deadline bounds all of it from the first
Close frame or failure to the end of TCP.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from openline.exceptions import ConnectionClosed, ProtocolError, connection_closed
from openline.protocol.close_codes import CloseCode
from openline.protocol.connection import Protocol
from openline.protocol.states import State

if TYPE_CHECKING:
    from openline.engine.base import Line as _Line
    from openline.protocol.events import Event
    from openline.websocket.extra import Extra
    from openline.websocket.options import Options
else:
    _Line = object

__all__ = ["Closing"]

# Seconds that a program has to answer the messages that came before the peer's end: while some of them wait to be
# received, and when all were. The second is short, since a program that only sends looks the same.
_PATIENCE = 1.0
_SHORT_PATIENCE = 0.05


class Closing(_Line):
    """The part of a connection that starts, answers and ends the closing handshake."""

    __slots__ = ()

    if TYPE_CHECKING:
        extra: Extra
        options: Options

        def _receive_event(self, event: Event) -> None: ...

    keeps_protocol: bool = False
    """Whether the line feeds all bytes to the protocol, so that there is no use in dropping it when it is quiet."""

    # The protocol.

    def _make_protocol(self) -> Protocol:
        options = self.options
        self.protocol = Protocol(
            self.side,
            max_size=options.max_message_size,
            max_fragment_size=options.max_fragment_size,
            too_big_code=options.too_big_code,
            extensions=self.extensions,
        )
        return self.protocol

    def _settle(self) -> None:
        """Do what the protocol's state asks for, after it was given something. Idempotent."""
        protocol = self.protocol
        if protocol is None or self.extra.deferred:
            return
        output = protocol.take_output()
        if output:
            self._queue_frames(output[0] if len(output) == 1 else b"".join(output))
        if self.state is State.OPEN and protocol.state is not State.OPEN:
            self._closing_began()
        if self.state is State.CLOSING:
            finished = protocol.close_rcvd is not None and protocol.close_sent is not None
            if protocol.half_close:
                self.half_close()
            if finished or protocol.failure is not None:
                # Nothing that may come means anything, but it has to be read: what is not would make the kernel
                # answer with a reset, and that destroys our Close frame on its way (section 7.1.1).
                self.discard()
        elif protocol.quiet and not self.keeps_protocol and self.trace is None and self.fragmenting is None:
            self.protocol = None

    def _closing_began(self) -> None:
        self.state = State.CLOSING
        self.set_deadline(self.options.close_timeout)
        # From here on all is read: the peer's Close frame may stand behind messages for which there was no room.
        self._release()
        self.resume()

    # The peer's end of it, in its turn among the messages.

    def _end_in_turn(self) -> None:
        """The peer has sent a Close frame, or something that fails the connection: answer that.

        But not before the program had the time to answer the messages that came before it, perhaps in the same packet
        (sections 5.5.1 and 7.1.7 let us: a Close frame is for what follows it). The program is done with them when it
        asks for the next one, or waits for the end; if it does neither, there is a limit.
        """
        patience = self._patience()
        if not patience:
            self._end_now()
        elif not self.extra.deferred:
            self.extra.deferred = True
            self._hold()  # until a `recv` has to wait
            self.set_deadline(patience)

    def _end_now(self) -> None:
        self.extra.deferred = False
        self._settle()

    def _patience(self) -> float:
        """For how long the program may still be at work on messages, in seconds; 0: it is not."""
        if self.listener is not None or self.fragmenting is not None or self.state is not State.OPEN:
            return 0
        if self._queued():
            return _PATIENCE
        return 0 if self._receiving() or self.extra.closed is not None else _SHORT_PATIENCE

    def _sender(self) -> Protocol:
        """Return a protocol that can still send, also while the end is deferred."""
        if self.extra.deferred:
            return Protocol(self.side, extensions=self.extensions)
        return self.protocol or self._make_protocol()

    # How it can begin.

    def _start_close(self, code: int, reason: str) -> None:
        """Send a Close frame behind all that is queued (section 7.1.2)."""
        if self.extra.deferred:
            self._end_now()
            return
        if code == CloseCode.NO_STATUS_RCVD:
            # For the protocol, that is a Close frame without a code; for who closes with it, a mistake.
            raise ProtocolError("RFC 6455 section 7.4.1: close code 1005 must not be sent")
        protocol = self.protocol or self._make_protocol()
        protocol.send_close(code, reason)
        self._settle()

    def _fail(self, code: int, reason: str, error: BaseException | None = None) -> None:
        """Fail the connection (section 7.1.7); ``error`` is why, for `ConnectionClosed.__cause__`."""
        if self.state is not State.OPEN:
            return
        if self.extra.deferred:
            self._end_now()
            return
        self.extra.cause = self.extra.cause or error
        protocol = self.protocol or self._make_protocol()
        protocol.fail(code, reason)
        self._settle()

    def _receive_failed(self, error: Exception | None) -> None:
        """The line's fast path met wrong UTF-8 (None), or data that do not inflate."""
        protocol = self.protocol or self._make_protocol()
        for event in protocol.receive_error(
            error or UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid byte")
        ):
            self._receive_event(event)

    def _overrun(self) -> None:
        options = self.options
        options.overruns += 1
        if self.listener is not None and self._overrun_handled():
            return
        options.logger.warning(
            "connection aborted: the peer %s does not read, and more than %s bytes wait for it",
            self.get_extra_info("peername"),
            options.max_unsent,
        )
        self.extra.cause = BufferError(f"more than max_unsent={options.max_unsent} bytes are not sent")
        self.abort()

    def _overrun_handled(self) -> bool:
        try:
            return self.options.context.copy().run(self.listener.on_overrun, self)
        except Exception:
            self.options.logger.error("connection handler failed", exc_info=True)
            return False

    # How it goes on, and ends.

    def _eof_received(self) -> None:
        """The peer's side of TCP has ended, after a Close frame or without one (section 7.1.5)."""
        if self.state is State.OPEN:
            self._closing_began()
        self.close_descriptor()

    def _closing_timed_out(self) -> None:
        self.extra.cause = self.extra.cause or TimeoutError("timed out while closing connection")
        self.abort()

    def _closed_error(self) -> ConnectionClosed:
        protocol = self.protocol
        if protocol is None:
            error = connection_closed(None, None)
        else:
            error = connection_closed(protocol.close_rcvd, protocol.close_sent, protocol.close_rcvd_then_sent)
        error.__cause__ = self.extra.cause
        return error

    # What users call.

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection: send a Close frame behind all that is queued, and wait until TCP has ended.

        Messages that arrive meanwhile are kept while there is room in the queue. Where the peer does not answer within
        ``close_timeout``, the connection is aborted. When it is closed already, this does nothing; while it is closing,
        it waits.

        While a fragmented message is being sent, the connection is failed with code 1011: the message cannot be
        completed, and nothing may stand inside it but control frames (RFC 6455 section 5.4).

        Cancel: safe. The connection goes on closing, only nobody waits for it.

        Args:
            code: A close code that may be sent (RFC 6455 section 7.4).
            reason: Why; at most 123 bytes in UTF-8.

        Raises:
            ProtocolError: the code or the reason cannot be sent; the connection stays open.
        """
        connecting = self.state is State.CONNECTING
        self.begin_close(code, reason)
        if not connecting:
            await self.wait_closed()

    def begin_close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Start what `close` does, without waiting for its end; for callbacks.

        Args:
            code: As in `close`.
            reason: As in `close`.

        Raises:
            ProtocolError: the code or the reason cannot be sent.
        """
        if self.state is State.CONNECTING:
            self.abort()
        elif self.state is State.OPEN:
            if self.fragmenting is not None:
                self._fail(CloseCode.INTERNAL_ERROR, "close during fragmented message")
            else:
                self._start_close(code, reason)

    async def wait_closed(self) -> None:
        """Wait until the connection is closed, TCP included. Returns at once if it is.

        Cancel: safe.
        """
        if self.state is State.CLOSED:
            return
        closed = self.extra.closed
        if closed is None:
            closed = self.extra.closed = self.loop.create_future()
        if self.extra.deferred and not self._queued():
            self._end_now()
        await asyncio.shield(closed)

    @property
    def close_code(self) -> int | None:
        """The close code that was received; 1006 if none was (RFC 6455 section 7.1.5). None: not closed yet."""
        return self._closed_error().code if self.state is State.CLOSED else None

    @property
    def close_reason(self) -> str | None:
        """The close reason that was received; empty if none was (RFC 6455 section 7.1.6). None: not closed yet."""
        return self._closed_error().reason if self.state is State.CLOSED else None
