"""Everything that openline raises, as one tree.

The names, the arguments and the tree are those of the ``websockets`` library. The right-hand column says
whose fault it is: the *peer's* (it broke a rule, or it refused), the *caller's* (this program asked for
something that cannot be), or nobody's (a *result*)::

    WebSocketException
    ├── ConnectionClosed                                result: the connection is over
    │   ├── ConnectionClosedOK                          closed with 1000, 1001 or no code, both ways
    │   └── ConnectionClosedError                       anything else, or no closing handshake
    ├── InvalidURI                                      caller
    ├── InvalidProxy                                    caller
    ├── InvalidHandshake
    │   ├── SecurityError                               peer: over a limit
    │   │   ├── RequestLineTooLong
    │   │   ├── StatusLineTooLong
    │   │   ├── HeaderLineTooLong
    │   │   └── TooManyHeaders
    │   ├── ProxyError                                  peer: the proxy
    │   │   ├── InvalidProxyMessage
    │   │   └── InvalidProxyStatus                      (.response)
    │   ├── InvalidMessage                              peer: not HTTP
    │   ├── InvalidMethod                               peer: not GET
    │   ├── InvalidProtocol                             peer: not HTTP/1.1
    │   ├── InvalidStatus                               peer: refused (.response)
    │   ├── InvalidHeader                               peer (.name, .value)
    │   │   ├── InvalidHeaderFormat
    │   │   ├── InvalidHeaderValue                      peer; caller, in a header to send
    │   │   ├── InvalidOrigin
    │   │   └── InvalidUpgrade
    │   └── NegotiationError                            peer: extensions and subprotocols
    │       ├── DuplicateParameter
    │       ├── InvalidParameterName
    │       └── InvalidParameterValue
    ├── ProtocolError                                   peer: answered with close code 1002
    ├── PayloadTooBig                                   peer: answered with close code 1009
    ├── TooManyFragments                                peer: answered with close code 1009
    ├── InvalidState          (an AssertionError)       caller: not in this state
    └── ConcurrencyError      (a RuntimeError)          caller: two coroutines in the same half

**Caught as theirs, too.** In a program that has imported ``websockets.exceptions``, an exception made here is
an instance of both trees, so that handlers written for ``websockets`` keep working while a program moves
over. Nothing is imported for it: `sys.modules` is looked at when the exception is made. Classes that a
program derives from these are left alone.

This module imports nothing of openline. Exceptions carry integers, strings, and whatever close frame or
response they were given.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Protocol, Self, TypeVar, cast

__all__ = [
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "DuplicateParameter",
    "HeaderLineTooLong",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderFormat",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidMethod",
    "InvalidOrigin",
    "InvalidParameterName",
    "InvalidParameterValue",
    "InvalidProtocol",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "NegotiationError",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "RequestLineTooLong",
    "SecurityError",
    "StatusLineTooLong",
    "TooManyFragments",
    "TooManyHeaders",
    "WebSocketException",
]

# No code and 1005 are the same thing: the peer's Close frame was empty (RFC 6455 section 7.1.5).
_NORMAL_CODES = (1000, 1001, 1005)

_ABNORMAL_CLOSURE = 1006


class _Close(Protocol):
    """What a close frame must offer here; `openline.protocol.close_codes.Close` does."""

    @property
    def code(self) -> int: ...
    @property
    def reason(self) -> str: ...


class _Response(Protocol):
    """What a response must offer here; `openline.protocol.http11.Response` does."""

    @property
    def status_code(self) -> int: ...
    @property
    def reason_phrase(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes | bytearray: ...


class WebSocketException(Exception):
    """Base of every exception that openline defines."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        return super().__new__(_joined_class(cls), *args)

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...], dict[str, object]]:
        # A joined class exists in this process only: pickle and copy go by ours, and join again on arrival.
        cls = cast("type[Self]", type(self).__dict__.get("_ours", type(self)))
        return cls, self.args, self.__dict__


_joined_classes: dict[tuple[type[WebSocketException], type[Exception]], type[WebSocketException]] = {}

_E = TypeVar("_E", bound=WebSocketException)


def _joined_class(cls: type[_E]) -> type[_E]:
    """Return a class that is ``cls`` and its counterpart in ``websockets``; ``cls`` where there is none.

    The class is made once for each pair, and looks like ``cls`` in tracebacks.
    """
    module = sys.modules.get("websockets.exceptions")
    if module is None or cls.__module__ != __name__:
        return cls
    theirs = _counterpart(cls, module)
    if theirs is None or issubclass(cls, theirs):
        return cls
    joined = _joined_classes.get((cls, theirs))
    if joined is None:
        namespace: dict[str, object] = {"__module__": __name__, "__doc__": cls.__doc__, "_ours": cls}
        joined = cast("type[WebSocketException]", type(cls.__name__, (cls, theirs), namespace))
        _joined_classes[cls, theirs] = joined
    return cast("type[_E]", joined)


def _counterpart(cls: type[WebSocketException], module: ModuleType) -> type[Exception] | None:
    """Find the namesake of ``cls``, or of the nearest base that has one: older versions lack some leaves."""
    for base in cls.__mro__:
        if base.__module__ == __name__:
            theirs = getattr(module, base.__name__, None)
            if isinstance(theirs, type) and issubclass(theirs, Exception):
                return theirs
    return None


def _describe(value: str | None, subject: str) -> str:
    if value is None:
        return f"missing {subject}"
    return f"invalid {subject}: {value}" if value else f"empty {subject}"


class ConnectionClosed(WebSocketException):
    """The connection is closed, or closing: nothing can be sent, and nothing more will be received.

    Args:
        rcvd: The Close frame that was received; its ``code`` and ``reason``. None: none was.
        sent: The Close frame that was sent. None: none was.
        rcvd_then_sent: Which came first, where both passed; else None.
    """

    def __init__(self, rcvd: _Close | None, sent: _Close | None, rcvd_then_sent: bool | None = None) -> None:
        self.args = (rcvd, sent, rcvd_then_sent)
        self.rcvd = rcvd
        self.sent = sent
        self.rcvd_then_sent = rcvd_then_sent

    def __str__(self) -> str:
        received, sent = f"received {self.rcvd}", f"sent {self.sent}"
        if self.rcvd is None:
            nothing = "no close frame received"
            return f"{nothing} or sent" if self.sent is None else f"{sent}; {nothing}"
        if self.sent is None:
            return f"{received}; no close frame sent"
        return f"{received}; then {sent}" if self.rcvd_then_sent else f"{sent}; then {received}"

    @property
    def code(self) -> int:
        """The close code received; 1006 if no Close frame was (RFC 6455 section 7.1.5)."""
        return _ABNORMAL_CLOSURE if self.rcvd is None else self.rcvd.code

    @property
    def reason(self) -> str:
        """The close reason received; empty if no Close frame was (RFC 6455 section 7.1.6)."""
        return "" if self.rcvd is None else self.rcvd.reason


class ConnectionClosedOK(ConnectionClosed):
    """Closed as it should be: Close frames with 1000, 1001 or no code went both ways."""


class ConnectionClosedError(ConnectionClosed):
    """Closed by an error: another close code passed, or the closing handshake was not completed."""


def connection_closed(
    rcvd: _Close | None, sent: _Close | None, rcvd_then_sent: bool | None = None
) -> ConnectionClosed:
    """Make the `ConnectionClosedOK` or `ConnectionClosedError` that these Close frames amount to."""
    normal = all(close is not None and close.code in _NORMAL_CODES for close in (rcvd, sent))
    cls = ConnectionClosedOK if normal else ConnectionClosedError
    return cls(rcvd, sent, rcvd_then_sent)


class InvalidURI(WebSocketException):
    """The URI to connect to is no WebSocket URI (RFC 6455 section 3).

    Args:
        uri: The URI.
        msg: What is wrong with it.
    """

    def __init__(self, uri: str, msg: str) -> None:
        self.args = (uri, msg)
        self.uri = uri
        self.msg = msg

    def __str__(self) -> str:
        return f"{self.uri} isn't a valid URI: {self.msg}"


class InvalidProxy(WebSocketException):
    """The proxy to connect through is not valid.

    Args:
        proxy: The proxy's URI.
        msg: What is wrong with it.
    """

    def __init__(self, proxy: str, msg: str) -> None:
        self.args = (proxy, msg)
        self.proxy = proxy
        self.msg = msg

    def __str__(self) -> str:
        return f"{self.proxy} isn't a valid proxy: {self.msg}"


class InvalidHandshake(WebSocketException):
    """The opening handshake failed (RFC 6455 section 4); base of all the ways in which it can."""


class SecurityError(InvalidHandshake):
    """A request or response is larger than the limits allow, or a redirect would give secrets away."""


class RequestLineTooLong(SecurityError):
    """The request line is over the limit."""


class StatusLineTooLong(SecurityError):
    """The status line of the response is over the limit."""


class HeaderLineTooLong(SecurityError):
    """A header line is over the limit."""


class TooManyHeaders(SecurityError):
    """There are more headers than the limit allows."""


class ProxyError(InvalidHandshake):
    """Connecting through the proxy failed."""


class InvalidProxyMessage(ProxyError):
    """The proxy's response is not HTTP."""


class InvalidProxyStatus(ProxyError):
    """The proxy refused the connection.

    Args:
        response: Its response.
    """

    def __init__(self, response: _Response) -> None:
        self.args = (response,)
        self.response = response

    def __str__(self) -> str:
        return f"proxy rejected connection: HTTP {self.response.status_code}"


class InvalidMessage(InvalidHandshake):
    """The request or response is not HTTP/1.1 as RFC 9112 has it."""


class InvalidMethod(InvalidHandshake):
    """The request's method is not GET (RFC 6455 section 4.1).

    Args:
        method: The method.
    """

    def __init__(self, method: str) -> None:
        self.args = (method,)
        self.method = method

    def __str__(self) -> str:
        return f"RFC 6455 section 4.1: unsupported HTTP method: {self.method}"


class InvalidProtocol(InvalidHandshake):
    """The request's protocol is older than HTTP/1.1 (RFC 6455 section 4.1).

    Args:
        protocol: The protocol, such as ``HTTP/1.0``.
    """

    def __init__(self, protocol: str) -> None:
        self.args = (protocol,)
        self.protocol = protocol

    def __str__(self) -> str:
        return f"RFC 6455 section 4.1: unsupported HTTP version: {self.protocol}"


class InvalidStatus(InvalidHandshake):
    """The server answered with another status than 101 (RFC 6455 section 4.1).

    Args:
        response: Its response, with ``status_code``, ``headers`` and ``body``.
    """

    def __init__(self, response: _Response) -> None:
        self.args = (response,)
        self.response = response

    def __str__(self) -> str:
        return f"server rejected WebSocket connection: HTTP {self.response.status_code}"


class InvalidHeader(InvalidHandshake):
    """A header is missing, empty, or wrong.

    Args:
        name: The header's name.
        value: Its value, or what is wrong with it. None: it is missing.
    """

    def __init__(self, name: str, value: str | None = None) -> None:
        self.args = (name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        return _describe(self.value, f"{self.name} header")


class InvalidHeaderFormat(InvalidHeader):
    """A header does not have the form that its grammar asks for.

    Args:
        name: The header's name.
        error: What was found or expected.
        header: The header's value.
        pos: Where in ``header``, counted in characters from 0.
    """

    def __init__(self, name: str, error: str, header: str, pos: int) -> None:
        super().__init__(name, f"{error} at {pos} in {header}")
        self.args = (name, error, header, pos)


class InvalidHeaderValue(InvalidHeader):
    """A header has the right form, and a value that will not do."""


class InvalidOrigin(InvalidHeader):
    """The request's Origin is not among those allowed (RFC 6455 section 10.2).

    Args:
        origin: The origin. None: there is no Origin header.
    """

    def __init__(self, origin: str | None) -> None:
        super().__init__("Origin", origin)
        self.args = (origin,)


class InvalidUpgrade(InvalidHeader):
    """Upgrade or Connection does not ask for, or grant, a WebSocket (RFC 6455 sections 4.1 and 4.2.1)."""


class NegotiationError(InvalidHandshake):
    """Client and server do not agree on an extension or a subprotocol (RFC 6455 sections 4 and 9)."""


class DuplicateParameter(NegotiationError):
    """A parameter of an extension stands there twice.

    Args:
        name: The parameter's name.
    """

    def __init__(self, name: str) -> None:
        self.args = (name,)
        self.name = name

    def __str__(self) -> str:
        return f"duplicate parameter: {self.name}"


class InvalidParameterName(NegotiationError):
    """An extension has no parameter of this name.

    Args:
        name: The parameter's name.
    """

    def __init__(self, name: str) -> None:
        self.args = (name,)
        self.name = name

    def __str__(self) -> str:
        return f"invalid parameter name: {self.name}"


class InvalidParameterValue(NegotiationError):
    """A parameter of an extension has a value that it cannot have.

    Args:
        name: The parameter's name.
        value: Its value. None: it has none, and needs one.
    """

    def __init__(self, name: str, value: str | None) -> None:
        self.args = (name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        return _describe(self.value, f"value for parameter {self.name}")


class ProtocolError(WebSocketException):
    """A frame, or a sequence of frames, breaks RFC 6455 or RFC 7692; its text names the section."""


class PayloadTooBig(WebSocketException):
    """A message or a fragment is larger than ``max_size`` allows (RFC 6455 section 10.4).

    Args:
        size_or_message: Size of the frame in bytes; None where it is not known (while inflating). A string is
            taken as the whole text, as older extensions give it.
        max_size: What is left of the limit for this frame, in bytes.
        current_size: Bytes of the message that came before this frame; None: not known, or none did.

    Attributes:
        size: As given; None if a string was.
        max_size: The limit for the whole message, in bytes; None if a string was given.
        current_size: As given.
    """

    def __init__(
        self, size_or_message: int | str | None, max_size: int | None = None, current_size: int | None = None
    ) -> None:
        self.args = (size_or_message, max_size, current_size)
        self.message = size_or_message if isinstance(size_or_message, str) else None
        self.size = None if isinstance(size_or_message, str) else size_or_message
        self.max_size = max_size
        self.current_size: int | None = None
        self.set_current_size(current_size)

    def set_current_size(self, current_size: int | None) -> None:
        """Say how many bytes of the message came before; an extension that meets the limit does not know."""
        if current_size is not None and self.max_size is not None:
            self.max_size += current_size
            self.current_size = current_size

    def __str__(self) -> str:
        if self.message is not None:
            return self.message
        size = "" if self.size is None else f" with {self.size} bytes"
        before = "" if self.current_size is None else f" after {self.current_size} bytes"
        return f"RFC 6455 section 10.4: frame{size}{before} exceeds limit of {self.max_size} bytes"


class TooManyFragments(WebSocketException):
    """A message comes in more frames than allowed.

    Args:
        max_fragments: The limit.
    """

    def __init__(self, max_fragments: int) -> None:
        self.args = (max_fragments,)
        self.max_fragments = max_fragments

    def __str__(self) -> str:
        return f"RFC 6455 section 10.4: message exceeds limit of {self.max_fragments} frames"


class InvalidState(WebSocketException, AssertionError):
    """What was asked for is not possible in the state that the connection is in."""


class ConcurrencyError(WebSocketException, RuntimeError):
    """Two coroutines receive at once, or the like; sending and receiving at once is fine."""
