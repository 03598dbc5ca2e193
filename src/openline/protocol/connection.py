"""One end of an open WebSocket connection, without input and output: bytes in, events and bytes out.

`Protocol` is RFC 6455 from the end of the opening handshake on. It is given what arrives, and answers with
events; it is told what to send, and keeps the frames until they are fetched. It owns no socket, no timer and
no task, so that it works under any of them. `docs/internals/protocol.md` shows a whole program.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from openline.exceptions import InvalidState, PayloadTooBig, ProtocolError, TooManyFragments
from openline.protocol.close_codes import Close, CloseCode, is_sendable
from openline.protocol.events import Closed, Event, Failed, Fragment, Message, Ping, Pong
from openline.protocol.extensions.base import Extension
from openline.protocol.extensions.permessage_deflate import PerMessageDeflate
from openline.protocol.frames import (
    MAX_CONTROL_SIZE,
    Frame,
    FrameHeader,
    Opcode,
    apply_mask,
    encode_frame,
    parse_first_byte,
    parse_header,
)
from openline.protocol.messages import MessageAssembler, decode_payload
from openline.protocol.states import PHASES, TRANSITIONS, Phase, Side, State, Step

__all__ = [
    "Closed",
    "Event",
    "Failed",
    "Fragment",
    "Message",
    "Ping",
    "Pong",
    "Protocol",
    "close_for",
]

# What this end says in its Close frame when it fails the connection, by what went wrong: the first row that
# fits. Only the texts of our own exceptions are told to the peer.
_FAILURES: tuple[tuple[type[Exception], CloseCode, str | None], ...] = (
    (ProtocolError, CloseCode.PROTOCOL_ERROR, None),
    (UnicodeDecodeError, CloseCode.INVALID_DATA, "RFC 6455 section 8.1: invalid UTF-8"),
    (PayloadTooBig, CloseCode.MESSAGE_TOO_BIG, None),
    (TooManyFragments, CloseCode.MESSAGE_TOO_BIG, None),
    (Exception, CloseCode.INTERNAL_ERROR, "unexpected error"),
)


def close_for(error: Exception) -> Close:
    """Return the code and the reason with which a connection fails that met ``error`` (RFC 6455 section 7.4.1)."""
    code, reason = next((code, reason) for cls, code, reason in _FAILURES if isinstance(error, cls))
    return Close(code, str(error) if reason is None else reason).shortened()


class Protocol:
    """One end of an open connection.

    Args:
        side: Which end this is; decides who masks, and who shuts down first.
        max_size: Largest message to receive, in bytes, decompressed. None: no limit; 0: only empty ones.
        max_fragment_size: Largest fragment to receive, in bytes, decompressed. None: no limit of its own.
        max_fragments: Most frames that a message to receive may come in. None: no limit.
        too_big_code: What a peer is told that sends more; a protocol on top may have a code of its own for it.
        extensions: The extensions agreed on, in the order in which they apply to what is sent.
        mask: Called with 4, returns four bytes that nobody can foretell (RFC 6455 section 5.3); clients only.

    Attributes:
        close_rcvd: The Close frame received; None: none was.
        close_sent: The Close frame sent; None: none was.
        close_rcvd_then_sent: Which came first, where both passed; else None.
        failure: The error for which this end failed the connection; None: it did not, or by `fail`.
    """

    __slots__ = (
        "_assembler",
        "_control",
        "_extensions",
        "_header",
        "_mask",
        "_masked",
        "_may",
        "_output",
        "_phase",
        "_pos",
        "_remaining",
        "_sending",
        "_too_big_code",
        "_unread",
        "close_rcvd",
        "close_rcvd_then_sent",
        "close_sent",
        "failure",
        "side",
    )

    def __init__(
        self,
        side: Side,
        *,
        max_size: int | None = 2**20,
        max_fragment_size: int | None = None,
        max_fragments: int | None = 4096,
        too_big_code: int = CloseCode.MESSAGE_TOO_BIG,
        extensions: Sequence[Extension] = (),
        mask: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.side = side
        self._masked = side is Side.SERVER
        self._mask = mask
        self._too_big_code = too_big_code
        self._extensions = extensions
        self._assembler = MessageAssembler(
            max_size=max_size,
            max_fragment_size=max_fragment_size,
            max_fragments=max_fragments,
            extensions=extensions,
        )
        self._phase = Phase.OPEN
        self._may = PHASES[Phase.OPEN]
        self.close_rcvd: Close | None = None
        self.close_sent: Close | None = None
        self.close_rcvd_then_sent: bool | None = None
        self.failure: Exception | None = None

        # What has arrived and is not parsed yet, from self._pos on: part of a header, unless `limit` was
        # reached.
        self._unread = b""
        self._pos = 0
        # The frame in progress, how much of its payload is to come, and what has come if it is a control
        # frame.
        self._header: FrameHeader | None = None
        self._remaining = 0
        self._control = b""

        self._output: list[bytes] = []
        self._sending = False  # a fragmented message is being sent

    @property
    def state(self) -> State:
        """The state of the connection. CLOSED: the peer's side of TCP has ended, and ours should."""
        return self._may.state

    @property
    def half_close(self) -> bool:
        """Whether this end will write nothing more, and should shut down its side of TCP after what it has written.

        On a server that is so after Close frames went both ways, and after a failure; on a client once the
        server's side has ended (RFC 6455 section 7.1.1). Then both go on reading, and throw away, until the
        other side ends or patience does: closing at once could reset the connection, and destroy the last
        frame on its way.
        """
        return self.side in self._may.shut_down

    @property
    def quiet(self) -> bool:
        """Whether this is an open connection between two messages, in both directions.

        This object then holds nothing that the extensions do not, and a new one may take its place.
        """
        return not (
            self._phase is not Phase.OPEN
            or self._header is not None
            or self._unread
            or self._assembler.in_message
            or self._sending
            or self._output
        )

    # -------------------------------------------------------------------------------------------- receiving

    def receive_data(self, data: bytes | bytearray | memoryview, *, limit: int | None = None) -> list[Event]:
        """Take bytes that arrived.

        Args:
            data: The bytes; may be empty. After a Close frame or a failure they are thrown away.
            limit: Stop parsing and decompressing after this many events; the rest is kept, and parsed by the
                next call, which may be with no data. None: parse everything.

        Returns:
            What these bytes amount to, in their order. Never raises for what the peer did: that is `Failed`.
        """
        events: list[Event] = []
        if data:
            data = bytes(data)
            self._unread = self._unread[self._pos :] + data if self._unread else data
            self._pos = 0
        try:
            while self._may.receive and self._pos < len(self._unread) and len(events) != limit:
                event = self._receive_piece(self._unread)
                if event is not None:
                    events.append(event)
                elif self._header is None:
                    return events  # in the middle of a header
        except Exception as error:  # an extension's bug must not take the whole engine down
            return events + self.receive_error(error)
        if self._pos == len(self._unread):
            self._unread = b""
            self._pos = 0
        return events

    def receive_eof(self) -> list[Event]:
        """Take note that the peer's side of TCP has ended.

        Returns:
            `Failed` with code 1006 if no Close frame came before (RFC 6455 section 7.1.5); otherwise nothing.
        """
        unexpected = self._may.receive
        if self._phase is not Phase.CLOSED:
            self._step(Step.ENDED)
            self._discard()
        if not unexpected:
            return []
        error = EOFError("RFC 6455 section 7.1.5: connection ended without a Close frame")
        return [Failed(Close(CloseCode.ABNORMAL_CLOSURE), error)]

    def receive_error(self, error: Exception) -> list[Event]:
        """Fail the connection for an error that was met in what arrived, here or by who read it instead.

        Args:
            error: The error; `close_for` says what the peer is told of it.

        Returns:
            `Failed`; nothing if the connection had failed or received a Close frame before.
        """
        if not self._may.receive:
            return []
        close = close_for(error)
        if close.code == CloseCode.MESSAGE_TOO_BIG:
            close = Close(self._too_big_code, close.reason)
        self.failure = error
        self.fail(close.code, close.reason)
        return [Failed(close, error)]

    def _receive_piece(self, data: bytes) -> Event | None:
        """Take of ``data`` as much as belongs to one frame."""
        header = self._header
        if header is None:
            header = self._receive_header(data)
            if header is None:
                return None
        pos = self._pos
        piece = data[pos : pos + self._remaining]
        size = len(piece)
        if header.mask is not None:
            piece = apply_mask(piece, header.mask, header.length - self._remaining)
        self._pos = pos + size
        self._remaining -= size
        last = not self._remaining
        self._header = None if last else header
        if header.opcode >= Opcode.CLOSE:
            return self._receive_control(header, piece, last)
        return self._assembler.feed(piece, last) if size or last else None

    def _receive_header(self, data: bytes) -> FrameHeader | None:
        pos = self._pos
        self._check_first_byte(data[pos])
        if len(data) - pos > 1 and (data[pos + 1] >= 0x80) is not self._masked:
            raise ProtocolError(
                "RFC 6455 section 5.1: client frame without mask"
                if self._masked
                else "RFC 6455 section 5.1: server frame with mask"
            )
        header = parse_header(data, pos)
        if header is None:
            return None
        self._pos = pos + header.size
        self._remaining = header.length
        if header.opcode < Opcode.CLOSE:
            self._assembler.start_frame(header)
        elif header.opcode is Opcode.CLOSE and header.length == 1:
            raise ProtocolError("RFC 6455 section 5.5.1: close frame with one byte")
        return header

    def _check_first_byte(self, byte: int) -> None:
        """Check what depends on the extensions and on the frames before (sections 5.2 and 5.4)."""
        _, rsv, opcode = parse_first_byte(byte)
        if rsv:
            for extension in self._extensions:
                rsv &= ~extension.rsv_allowed(opcode)
            if rsv:
                raise ProtocolError(f"RFC 6455 section 5.2: reserved bit set in {opcode.name} frame")
        if opcode is Opcode.CONT:
            if not self._assembler.in_message:
                raise ProtocolError("RFC 6455 section 5.4: continuation frame without a message")
        elif opcode < Opcode.CLOSE and self._assembler.in_message:
            raise ProtocolError(f"RFC 6455 section 5.4: {opcode.name} frame inside a fragmented message")

    def _receive_control(self, header: FrameHeader, piece: bytes, last: bool) -> Event | None:
        payload = self._control + piece
        if not last:
            self._control = payload
            if header.opcode is Opcode.CLOSE:
                Close.parse(payload, whole=False)
            return None
        self._control = b""
        if self._extensions:
            payload = decode_payload(self._extensions, header, payload, MAX_CONTROL_SIZE)
        if header.opcode is Opcode.PING:
            return Ping(payload)
        if header.opcode is Opcode.PONG:
            return Pong(payload)
        return self._receive_close(payload)

    def _receive_close(self, payload: bytes) -> Closed:
        close = self.close_rcvd = Close.parse(payload)
        self._step(Step.RECEIVED_CLOSE)
        self._discard()
        if self.close_sent is not None:
            self.close_rcvd_then_sent = False
        else:  # section 5.5.1: answer with the same code
            self.close_rcvd_then_sent = True
            self._write_close(close)
        return Closed(close)

    def _discard(self) -> None:
        """Let go of all that has arrived and was not reported: nobody will ask for it."""
        self._unread = self._control = b""
        self._pos = 0
        self._header = None
        self._assembler.discard()

    # -------------------------------------------------------------------------------------------- sending

    def send_text(self, text: str | bytes, *, compress: bool | None = None) -> None:
        """Send a text message in one frame.

        Args:
            text: The text; as bytes it must be UTF-8, which is not checked.
            compress: Whether to compress it, where the peer agreed to that. None: from a size on that pays.

        Raises:
            InvalidState: Nothing can be sent any more, or a fragmented message is being sent.
        """
        self._send_data(Opcode.TEXT, text, True, compress)

    def send_binary(self, data: bytes, *, compress: bool | None = None) -> None:
        """Send a binary message in one frame; see `send_text`."""
        self._send_data(Opcode.BINARY, data, True, compress)

    def send_fragment(
        self, data: str | bytes, *, text: bool, first: bool, fin: bool, compress: bool | None = None
    ) -> None:
        """Send one frame of a fragmented message (RFC 6455 section 5.4).

        Args:
            data: What the frame holds; may be empty.
            text: Whether the message is text; only looked at with ``first``.
            first: Whether the message starts here.
            fin: Whether it ends here.
            compress: Whether to compress the message; only looked at with ``first``. None: yes.

        Raises:
            InvalidState: Nothing can be sent any more, or ``first`` does not fit what was sent before.
        """
        opcode = Opcode.CONT if not first else Opcode.TEXT if text else Opcode.BINARY
        self._send_data(opcode, data, fin, compress)

    def send_ping(self, payload: bytes) -> None:
        """Send a ping (RFC 6455 section 5.5.2).

        Raises:
            InvalidState: Nothing can be sent any more.
            ProtocolError: The payload is over 125 bytes.
        """
        self._send_control(Opcode.PING, payload)

    def send_pong(self, payload: bytes) -> None:
        """Send a pong, as an answer or unasked (RFC 6455 section 5.5.3); raises as `send_ping` does."""
        self._send_control(Opcode.PONG, payload)

    def send_close(self, code: int | None = None, reason: str = "") -> None:
        """Start the closing handshake (RFC 6455 section 7.1.2).

        Args:
            code: The close code. None: none, as 1005 says on the other end.
            reason: The reason, at most 123 bytes of UTF-8.

        Raises:
            InvalidState: A Close frame was sent before, or the connection has ended.
            ProtocolError: The code must not be sent, or the reason is too long.
        """
        if Step.SENT_CLOSE not in TRANSITIONS[self._phase]:
            raise InvalidState(
                f"cannot send a Close frame: state is {self.state.name}, phase {self._phase.name}"
            )
        self._write_close(Close(CloseCode.NO_STATUS_RCVD if code is None else code, reason))

    def fail(self, code: int, reason: str = "") -> None:
        """Fail the connection (RFC 6455 section 7.1.7): say why, and throw away whatever still arrives.

        Does nothing if the closing handshake is complete, or the connection has failed before.

        Args:
            code: The close code; with one that must not be sent, such as 1006, no Close frame is sent.
            reason: The reason; cut to 123 bytes of UTF-8.
        """
        if Step.FAILED not in TRANSITIONS[self._phase]:
            return
        if self.close_sent is None and is_sendable(code):
            self._write_close(Close(code, reason).shortened())
        self._step(Step.FAILED)
        self._discard()

    def take_output(self) -> list[bytes]:
        """Return the frames to write, in their order; each is returned once."""
        output = self._output
        self._output = []
        return output

    def _send_data(self, opcode: Opcode, data: str | bytes, fin: bool, compress: bool | None) -> None:
        if not self._may.send_data:
            raise InvalidState(f"cannot send a message: state is {self.state.name}")
        if (opcode is Opcode.CONT) is not self._sending:
            raise InvalidState(
                "RFC 6455 section 5.4: a fragmented message is being sent"
                if self._sending
                else "RFC 6455 section 5.4: no fragmented message is being sent"
            )
        payload = data.encode() if isinstance(data, str) else bytes(data)
        self._write_frame(Frame(opcode, payload, fin), compress)
        self._sending = not fin

    def _send_control(self, opcode: Opcode, payload: bytes) -> None:
        if not self._may.send_control:
            raise InvalidState(f"cannot send a {opcode.name} frame: state is {self.state.name}")
        if len(payload) > MAX_CONTROL_SIZE:
            raise ProtocolError(f"RFC 6455 section 5.5: {opcode.name} frame with more than 125 bytes")
        self._write_frame(Frame(opcode, bytes(payload)))

    def _write_close(self, close: Close) -> None:
        payload = close.serialize()
        self._write_frame(Frame(Opcode.CLOSE, payload))
        self.close_sent = close
        self._step(Step.SENT_CLOSE)

    def _write_frame(self, frame: Frame, compress: bool | None = None) -> None:
        for extension in self._extensions:
            if isinstance(extension, PerMessageDeflate):
                frame = extension.encode(frame, compress=compress)
            else:
                frame = extension.encode(frame)
        mask = None if self._masked else self._mask(4)
        self._output.append(encode_frame(frame.opcode, frame.data, fin=frame.fin, rsv=frame.rsv, mask=mask))

    def _step(self, step: Step) -> None:
        self._phase = TRANSITIONS[self._phase][step]
        self._may = PHASES[self._phase]
