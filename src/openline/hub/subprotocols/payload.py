"""What may stand as a payload in a JSON frame.

A payload goes into frames as it is, between our own brackets. So it must be exactly one JSON value, or it could end its
frame and begin a forged one; it must hold no line break, which separates the messages of a frame and the fields of an
event stream; and it must not be so deep that a client's parser gives up.
"""

from __future__ import annotations

import re
from array import array
from itertools import accumulate

import msgspec

from openline.hub.publication import Payload
from openline.hub.subprotocols.base import NotJSON

__all__ = ["MAX_DEPTH", "check_json", "is_deeper", "mend_surrogates"]

MAX_DEPTH = 500
"""A payload is nested less deep than this. CPython's own parser gives up at about 1000, less what is on the stack."""

_decode = msgspec.json.Decoder(msgspec.Raw).decode

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEP = bytes.maketrans(b"[]{}", b"\x01\xff\x01\xff")  # as signed bytes: one deeper, one back

_ESCAPE = re.compile(
    r"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


def is_deeper(text: bytes, most: int) -> bool:
    """Tell whether valid JSON is nested deeper than ``most``: a number is nested 0 deep, ``[]`` 1, ``[[]]`` 2.

    Takes time in proportion to the length, whatever the depth.
    """
    if len(text) <= 2 * most or text.count(b"[") + text.count(b"{") <= most:
        return False
    brackets = _STRING.sub(b"", text).translate(_STEP, _NO_BRACKET)
    return max(accumulate(array("b", brackets)), default=0) > most


def mend_surrogates(text: str) -> str:
    r"""Replace half surrogate pairs, written as ``\ud83d``, by U+FFFD.

    JavaScript writes them when a string was cut in the middle of an emoji. They cannot be encoded in UTF-8, and Python
    refuses them; other servers let them pass or do this.
    """
    return _ESCAPE.sub(lambda found: r"\ufffd" if found["lone"] else found[0], text)


def check_json(data: bytes) -> Payload:
    """Make a payload of bytes that should be JSON.

    Line breaks between tokens are taken out, and so is white space around the value.

    Raises:
        NotJSON: it is not one JSON value in UTF-8, or is nested `MAX_DEPTH` deep.
    """
    try:
        text = data.decode()  # msgspec does not look into strings that it only skips
        try:
            value = bytes(_decode(data))
        except msgspec.DecodeError:
            value = bytes(_decode(mend_surrogates(text)))
    except RecursionError:
        raise NotJSON("the payload is nested too deep") from None
    except ValueError as exception:  # of msgspec, or of UTF-8
        raise NotJSON(f"the payload is not JSON: {exception}") from None
    if is_deeper(value, MAX_DEPTH - 1):
        raise NotJSON("the payload is nested too deep")
    if b"\n" in value or b"\r" in value:
        value = value.translate(None, b"\r\n")
    return Payload(value)
