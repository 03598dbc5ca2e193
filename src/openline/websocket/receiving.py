"""From bytes to what the program gets: the events of the protocol, fragments, and ``recv_streaming``."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal, overload

from openline.exceptions import ConcurrencyError, ConnectionClosed
from openline.protocol.close_codes import CloseCode
from openline.protocol.events import Closed, Event, Failed, Fragment, Message, Ping, Pong
from openline.protocol.states import State
from openline.websocket.closing import Closing
from openline.websocket.extra import FragmentedMessage

if TYPE_CHECKING:
    from openline.engine.base import BytesLike
    from openline.engine.base import Message as Data

__all__ = ["Receiving"]

_Utf8Decoder = codecs.getincrementaldecoder("utf-8")


class Receiving(Closing):
    """The part of a connection that receives."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _answer_ping(self, payload: bytes) -> None: ...
        def _acknowledge(self, payload: bytes) -> None: ...

    def _receive_rare(self, data: BytesLike) -> None:
        protocol = self.protocol or self._make_protocol()
        trace = self.trace
        if trace is not None and len(data):
            trace.received(data)
        # One event at a time: what it leads to may fill the queue, pause, or end the connection.
        events = protocol.receive_data(data, limit=0 if self._queue_full() else 1)
        while events:
            for event in events:
                self._receive_event(event)
            if self._queue_full():
                break
            events = protocol.receive_data(b"", limit=1)
        if self.extra.deferred:
            self._end_in_turn()
        else:
            self._settle()

    def _receive_event(self, event: Event) -> None:
        match event:
            case Message():
                self._deliver(event.data)
            case Fragment():
                self._receive_fragment(event)
            case Ping():
                self._answer_ping(event.payload)
            case Pong():
                self._acknowledge(event.payload)
            case Closed():
                self._end_in_turn()
            case Failed():
                self.extra.cause = self.extra.cause or event.error
                if event.close.code == CloseCode.INTERNAL_ERROR:
                    self.options.logger.error("receiving failed", exc_info=event.error)
                self._end_in_turn()

    def _receive_fragment(self, fragment: Fragment) -> None:
        """Add a fragment to its message.

        Where somebody streams the message, he gets it; otherwise the message is delivered when it is complete.
        Fragments wait up to the bound of the queue, unless a `recv` waits for the whole message, whose bound is
        ``max_size``.
        """
        extra = self.extra
        message = extra.incoming
        if message is None or fragment.first:
            message = extra.incoming = FragmentedMessage()
        message.parts.append(fragment.data)
        message.complete = fragment.fin
        if fragment.fin:
            extra.incoming = None
        if message is extra.streamed:
            self._wake_all()
        elif fragment.fin:
            self._deliver(_join(message))
            return
        elif extra.stream_waits:
            self._wake_all()
        elif self.listener is not None or self._receiving():
            return
        high = self.options.max_queue_high
        if high is not None and len(message.parts) >= high:
            extra.held = True
            self._hold()

    @overload
    def recv_streaming(self, decode: Literal[True]) -> AsyncIterator[str]: ...
    @overload
    def recv_streaming(self, decode: Literal[False]) -> AsyncIterator[bytes]: ...
    @overload
    def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[Data]: ...
    async def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[Data]:
        """Receive the next message fragment by fragment, as they come; a message in one frame is one fragment.

        Reading pauses while ``max_queue`` fragments wait. The iterator must be consumed to its end; otherwise `recv`
        and this raise `ConcurrencyError` from then on, and all that is left is to `close`.

        Cancel: safe before the first fragment. After it, the rest of the message cannot be received any more.

        Args:
            decode: None: str for text, bytes for binary. True: str, also for binary, which must be UTF-8. False: bytes.

        Yields:
            The fragments. A character of text that two of them share comes with the second. Fragments that had come
            with the last one before this was called may be joined: they mean nothing by themselves (RFC 6455 section
            5.4).

        Raises:
            ConnectionClosed: the connection is closed, perhaps in the middle of the message.
            ConcurrencyError: another coroutine receives, or a listener does.
        """
        if self.listener is not None:
            raise ConcurrencyError("a listener receives the messages of this connection")
        if self.streaming or self._receiving():
            raise ConcurrencyError(
                "cannot call recv_streaming while another coroutine is already running recv or recv_streaming"
            )
        extra = self.extra
        while not self._queued() and extra.incoming is None:
            if self.state is State.CLOSED:
                raise self._closed_error()
            extra.stream_waits = True
            try:
                await self._wait_readable()
            finally:
                extra.stream_waits = False
        if self._queued():
            yield await self.recv(decode)
            return
        message = extra.streamed = extra.incoming
        assert message is not None
        self.streaming = True
        decoder = None
        while self.streaming:
            while not message.parts:
                if self.state is State.CLOSED:
                    self.streaming = False
                    raise self._closed_error()
                await self._wait_readable()
            part = self._take_part(message)
            if decode is False and isinstance(part, str):
                part = part.encode()
            elif decode and isinstance(part, bytes):
                decoder = decoder or _Utf8Decoder()
                try:
                    part = decoder.decode(part, final=not self.streaming)
                except UnicodeDecodeError as error:
                    raise self._undecodable(error) from error
            yield part

    def _take_part(self, message: FragmentedMessage) -> Data:
        extra = self.extra
        part = message.parts.popleft()
        if message.complete and not message.parts:
            self.streaming = False
            extra.streamed = None
        if extra.held and len(message.parts) <= (self.options.max_queue_low or 0):
            extra.held = False
            self._release()
        return part

    def _undecodable(self, error: UnicodeDecodeError) -> ConnectionClosed:
        """The program asked for text, and a binary message is none: fail the connection; returns what to raise."""
        self._fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}", error)
        return self._closed_error()


def _join(message: FragmentedMessage) -> Data:
    parts = message.parts
    if isinstance(parts[0], str):
        return "".join(part for part in parts if isinstance(part, str))
    return b"".join(part for part in parts if isinstance(part, bytes))
