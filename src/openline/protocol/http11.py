"""The heads of HTTP/1.1 messages, as far as the opening handshake needs them (RFC 9112).

Reading is strict: lines end with CR LF, a field's name is followed by its colon, no line is folded, and
control characters stand nowhere. What one recipient tolerates and the next reads otherwise is how requests
are smuggled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from openline.exceptions import (
    HeaderLineTooLong,
    InvalidMessage,
    RequestLineTooLong,
    SecurityError,
    StatusLineTooLong,
    TooManyHeaders,
)
from openline.protocol.headers import Headers, is_token

__all__ = [
    "MAX_HEADERS",
    "MAX_HEAD_SIZE",
    "MAX_LINE_SIZE",
    "Request",
    "Response",
    "find_head_end",
    "parse_request",
    "parse_response",
]

MAX_LINE_SIZE = 8192
"""Longest request line, status line or header line, in bytes without its end; as in `websockets` and
nginx."""

MAX_HEADERS = 128
"""Most headers in a head; as in `websockets`."""

MAX_HEAD_SIZE = 65536
"""Largest head, in bytes with all of its line ends."""

# Of a line that is wrong, an error shows so many characters.
_SHOWN = 100

_CRLF = b"\r\n"
_END = b"\r\n\r\n"

# All but control characters.
_PLAIN = bytes({0x09, *range(0x20, 0x7F), *range(0x80, 0x100)})

# A control character, or half of a line end.
_find_forbidden = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?=[^\n])").search

# RFC 9112 sections 3 and 4.
_match_request_line = re.compile(r"([^ ]+) ([\x21-\x7e]+) (HTTP/[0-9]\.[0-9])").fullmatch
_match_status_line = re.compile(r"(HTTP/[0-9]\.[0-9]) ([1-5][0-9][0-9])(?: (.*))?").fullmatch


@dataclass
class Request:
    """The head of a request.

    Attributes:
        path: The request target, such as ``/chat?room=1``; ASCII.
        headers: Headers.
        method: Method.
        protocol: Version of HTTP, such as ``HTTP/1.1``.
    """

    path: str
    headers: Headers
    method: str = "GET"
    protocol: str = "HTTP/1.1"

    def serialize(self) -> bytes:
        """Write the request."""
        return f"{self.method} {self.path} {self.protocol}\r\n".encode("ascii") + self.headers.serialize()


_CONTROLS_AS_SPACES = dict.fromkeys([*range(0x20), 0x7F], " ")


@dataclass
class Response:
    """A response.

    Attributes:
        status_code: Status code.
        reason_phrase: The words beside it; for people, and possibly empty.
        headers: Headers.
        body: Body; `parse_response` leaves it empty.
    """

    status_code: int
    reason_phrase: str
    headers: Headers
    body: bytes | bytearray = b""

    def serialize(self) -> bytes:
        """Write the response, with its body; control characters of the reason phrase become spaces."""
        # A line break in what a program made of its input would begin a header, or another response.
        reason = self.reason_phrase.translate(_CONTROLS_AS_SPACES)
        status_line = f"HTTP/1.1 {self.status_code:d} {reason}\r\n".encode("iso-8859-1")
        return status_line + self.headers.serialize() + self.body


def find_head_end(data: bytes | bytearray, start: int = 0) -> int | None:
    """Find the end of a head that may still be incomplete.

    Args:
        data: All that has arrived, from the first byte of the head.
        start: How much of ``data`` was searched before, in bytes. A head that arrives byte by byte costs no
            more than one that arrives whole.

    Returns:
        Where the head ends: the index behind its empty line. None if it is not complete.

    Raises:
        InvalidMessage: This cannot become the head of an HTTP message, whatever follows (RFC 9112 section
            2.2).
        SecurityError: The head is over `MAX_HEAD_SIZE`.
    """
    found = data.find(_END, max(0, start - len(_END) + 1))
    end = len(data) if found < 0 else found + len(_END)
    _check_characters(data, max(0, start - 1), end)
    line_end = data.find(_CRLF)
    if line_end >= 0 and data.find(b"HTTP/", 0, line_end) < 0:
        line = bytes(data[: min(line_end, _SHOWN)])
        raise InvalidMessage(f"RFC 9112 section 2.3: no version of HTTP in {line!r}")
    if end > MAX_HEAD_SIZE:
        raise SecurityError(f"head over {MAX_HEAD_SIZE} bytes")
    return None if found < 0 else end


def _check_characters(data: bytes | bytearray, start: int, end: int) -> None:
    # Mostly, whole line ends are all there is of control characters; this tells at a tenth of the price.
    if len(data[start:end].translate(None, _PLAIN)) == 2 * data.count(_CRLF, start, end):
        return
    forbidden = _find_forbidden(data, start, end)
    if forbidden:
        raise InvalidMessage(f"RFC 9112 section 2.2: byte {forbidden[0][0]:#04x} in the head of a message")


def parse_request(head: bytes) -> Request:
    """Read the head of a request.

    Any method and any version of HTTP/1 are read: what a WebSocket needs is checked by
    `openline.protocol.handshake.accept_request`.

    Args:
        head: The head, with its empty line, as `find_head_end` found it.

    Raises:
        InvalidMessage: It is not HTTP (RFC 9112 sections 3 and 5).
        SecurityError: It is over a limit.
    """
    request_line, headers = _parse_head(head, RequestLineTooLong)
    match = _match_request_line(request_line)
    if match is None or not is_token(match[1]):
        raise InvalidMessage(f"RFC 9112 section 3: invalid request line: {request_line[:_SHOWN]!a}")
    method, path, protocol = match.groups()
    return Request(path, headers, method, protocol)


def parse_response(head: bytes, *, proxy: bool = False) -> Response:
    """Read the head of a response.

    Args:
        head: The head, with its empty line, as `find_head_end` found it.
        proxy: Whether a proxy sent it; some still answer with HTTP/1.0, which is then read, too.

    Raises:
        InvalidMessage: It is not HTTP/1.1 (RFC 9112 sections 4 and 5).
        SecurityError: It is over a limit.
    """
    status_line, headers = _parse_head(head, StatusLineTooLong)
    match = _match_status_line(status_line)
    if match is None or match[1] not in ("HTTP/1.1", "HTTP/1.0" if proxy else "HTTP/1.1"):
        raise InvalidMessage(f"RFC 9112 section 4: invalid status line: {status_line[:_SHOWN]!a}")
    return Response(int(match[2]), match[3] or "", headers)


def _parse_head(head: bytes, first_line_too_long: type[SecurityError]) -> tuple[str, Headers]:
    if find_head_end(head) != len(head):
        raise InvalidMessage("RFC 9112 section 2.1: the head does not end with its empty line")
    first, *lines = head[: -len(_END)].decode("iso-8859-1").split("\r\n")
    if len(first) > MAX_LINE_SIZE:
        raise first_line_too_long(f"first line over {MAX_LINE_SIZE} bytes")
    if len(lines) > MAX_HEADERS:
        raise TooManyHeaders(f"more than {MAX_HEADERS} headers")
    return first, Headers.from_checked([_parse_header(line) for line in lines])


def _parse_header(line: str) -> tuple[str, str]:
    if len(line) > MAX_LINE_SIZE:
        raise HeaderLineTooLong(f"header line over {MAX_LINE_SIZE} bytes")
    name, colon, value = line.partition(":")
    if not colon or not is_token(name):  # a folded line (section 5.2) among others
        raise InvalidMessage(f"RFC 9112 section 5: invalid header line: {line[:_SHOWN]!a}")
    return name, value.strip(" \t")
