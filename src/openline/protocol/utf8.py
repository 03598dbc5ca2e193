"""UTF-8 that arrives in pieces, refused at the first byte that cannot be right (RFC 6455 section 8.1)."""

from __future__ import annotations

import codecs

__all__ = ["Utf8Decoder"]

_decode = codecs.utf_8_decode


class Utf8Decoder:
    """Decodes text piece by piece; holds back at most the three bytes of a character not yet whole."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b""

    def decode(self, data: bytes, final: bool = False) -> str:
        """Decode the next piece.

        Args:
            data: The bytes that follow those given before.
            final: Whether the text ends here; the decoder is then ready for another text.

        Returns:
            All characters that are complete; a character that is split between pieces comes with the later
            one.

        Raises:
            UnicodeDecodeError: A byte cannot stand where it does, whatever may follow; or the text ends
                inside a character.
        """
        if self._tail:
            data = self._tail + data
            self._tail = b""
        text, consumed = _decode(data, "strict", final)
        if consumed < len(data):
            tail = data[consumed:]
            # CPython waits for the third byte of a surrogate, for the sake of its error handler
            # "surrogatepass".
            if tail[0] == 0xED and len(tail) == 2 and tail[1] >= 0xA0:
                raise UnicodeDecodeError("utf-8", tail, 0, 2, "surrogate")
            self._tail = tail
        return text
