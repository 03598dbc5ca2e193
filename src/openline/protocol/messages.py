"""Puts messages together from frames: sizes, UTF-8, decompression (RFC 6455 sections 5.4, 5.6 and 8.1)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol, cast

from openline.exceptions import PayloadTooBig, TooManyFragments
from openline.protocol.events import Fragment, Message
from openline.protocol.extensions.base import Extension
from openline.protocol.extensions.permessage_deflate import PerMessageDeflate, compressed_bound
from openline.protocol.frames import RSV1, RSV2, RSV3, Frame, FrameHeader, Opcode
from openline.protocol.utf8 import Utf8Decoder

__all__ = ["MessageAssembler", "decode_payload"]


class _Sink(Protocol):
    """Collects pieces in one growing buffer: many small ones must not cost an object each."""

    def write(self, piece: str | bytes, /) -> int: ...
    def getvalue(self) -> str | bytes: ...


def _new_sink(text: bool) -> _Sink:
    return cast("_Sink", io.StringIO(newline="") if text else io.BytesIO())


def decode_payload(
    extensions: Sequence[Extension], header: FrameHeader, payload: bytes, max_size: int | None
) -> bytes:
    """Undo for a whole frame what the peer's extensions did, the last one first (RFC 6455 section 9.1).

    Args:
        extensions: The extensions in use, in the order in which they apply to what is sent.
        header: The frame's header.
        payload: Its payload, unmasked.
        max_size: Largest result, in bytes. None: no limit.
    """
    rsv = header.rsv
    frame = Frame(header.opcode, payload, header.fin, bool(rsv & RSV1), bool(rsv & RSV2), bool(rsv & RSV3))
    for extension in reversed(extensions):
        frame = extension.decode(frame, max_size=max_size)
    return frame.data


class MessageAssembler:
    """Turns the payloads of data frames, piece by piece, into messages and fragments.

    Each piece is checked, decoded and decompressed when it arrives, and stored only then: wrong UTF-8 is
    found at its first byte, and nothing above the limits is ever held. (Only extensions other than
    permessage-deflate need whole frames; with one in use, frames are collected first.)

    Args:
        max_size: Largest message, in bytes. None: no limit; 0: only empty messages.
        max_fragment_size: Largest fragment of a message, in bytes. None: no limit of its own.
        max_fragments: Most frames in a message. None: no limit.
        extensions: The extensions in use.
    """

    __slots__ = (
        "_before",
        "_deflate",
        "_extensions",
        "_first",
        "_fragments",
        "_frame_size",
        "_header",
        "_inflating",
        "_max_fragment_size",
        "_max_fragments",
        "_max_size",
        "_raw",
        "_room",
        "_sink",
        "_size",
        "_text",
        "_utf8",
        "in_message",
    )

    def __init__(
        self,
        *,
        max_size: int | None,
        max_fragment_size: int | None,
        max_fragments: int | None,
        extensions: Sequence[Extension],
    ) -> None:
        self._max_size = max_size
        self._max_fragment_size = max_fragment_size
        self._max_fragments = max_fragments
        # Alone, as it nearly always is, permessage-deflate takes data as it arrives.
        only = extensions[0] if len(extensions) == 1 else None
        self._deflate = only if isinstance(only, PerMessageDeflate) else None
        self._extensions = () if self._deflate else extensions
        self.in_message = False
        self._utf8 = Utf8Decoder()
        self._sink: _Sink | None = None
        self._raw = bytearray()

    def start_frame(self, header: FrameHeader) -> None:
        """Take note of a data frame whose payload follows.

        The caller has checked that it may stand here: a continuation if `in_message`, otherwise none.

        Raises:
            PayloadTooBig: By its header, this frame is over a limit.
            TooManyFragments: It is one frame too many.
        """
        self._header = header
        self._first = header.opcode is not Opcode.CONT
        if self._first:
            self._text = header.opcode is Opcode.TEXT
            self._inflating = self._deflate is not None and header.rsv & RSV1 != 0
            self._size = self._fragments = 0
        self.in_message = True
        self._frame_size = 0
        self._fragments += 1
        if self._max_fragments is not None and self._fragments > self._max_fragments:
            raise TooManyFragments(self._max_fragments)

        self._before = self._size or None
        self._room = None if self._max_size is None else self._max_size - self._size
        largest = self._max_fragment_size
        if largest is not None and (self._room is None or largest < self._room):
            self._room, self._before = largest, None
        if self._room is not None:
            bound = compressed_bound(self._room) if self._inflating else self._room
            if header.length > bound:
                raise PayloadTooBig(header.length, self._room, self._before)

    def feed(self, data: bytes, last: bool) -> Message | Fragment | None:
        """Take the next piece of the payload.

        Args:
            data: The piece, unmasked.
            last: Whether the frame ends with it.

        Returns:
            The message, if it is whole in this frame, or the fragment; None before the end of the frame.

        Raises:
            PayloadTooBig: Decompressed, the message or the fragment is over the limit.
            UnicodeDecodeError: Text is not UTF-8.
            ProtocolError: An extension finds fault with the data.
        """
        end_of_message = last and self._header.fin
        if self._extensions:
            self._raw += data
            if not last:
                return None
            data = decode_payload(self._extensions, self._header, bytes(self._raw), self._room)
            self._raw.clear()
        elif self._inflating:
            data = self._inflate(data, end_of_message)
        self._frame_size += len(data)
        piece = self._utf8.decode(data, end_of_message) if self._text else data

        if self._sink is not None:
            self._sink.write(piece)
        elif not last:
            self._sink = _new_sink(self._text)
            self._sink.write(piece)
        if not last:
            return None
        if self._sink is not None:
            piece = self._sink.getvalue()
            self._sink = None
        self._size += self._frame_size
        self.in_message = not self._header.fin
        return (
            Message(piece)
            if self._first and self._header.fin
            else Fragment(piece, self._first, self._header.fin)
        )

    def discard(self) -> None:
        """Let go of what is held of a message that will not be completed."""
        self._sink = None
        self._raw = bytearray()
        self.in_message = False

    def _inflate(self, data: bytes, end_of_message: bool) -> bytes:
        deflate = cast("PerMessageDeflate", self._deflate)
        room = None if self._room is None else self._room - self._frame_size
        try:
            return deflate.inflate(data, room, fin=end_of_message)
        except PayloadTooBig as error:
            error.set_current_size((self._before or 0) + self._frame_size or None)
            raise
