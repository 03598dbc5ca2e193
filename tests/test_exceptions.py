"""The tree of exceptions: its shape, its texts, and how it joins that of `websockets`."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
import types

import pytest
import websockets.exceptions as theirs

from openline import exceptions as ours
from openline.protocol.close_codes import Close
from openline.protocol.headers import Headers
from openline.protocol.http11 import Response

REFUSAL = Response(403, "Forbidden", Headers(), b"no")

SAMPLES: dict[str, tuple[ours.WebSocketException, str]] = {
    "WebSocketException": (ours.WebSocketException("text"), "text"),
    "ConnectionClosed": (ours.ConnectionClosed(None, None), "no close frame received or sent"),
    "ConnectionClosedOK": (
        ours.ConnectionClosedOK(Close(1000, ""), Close(1000, "bye"), False),
        "sent 1000 (OK) bye; then received 1000 (OK)",
    ),
    "ConnectionClosedError": (
        ours.ConnectionClosedError(Close(1002, "x"), Close(1002, "x"), True),
        "received 1002 (protocol error) x; then sent 1002 (protocol error) x",
    ),
    "InvalidURI": (ours.InvalidURI("x:", "bad"), "x: isn't a valid URI: bad"),
    "InvalidProxy": (ours.InvalidProxy("x:", "bad"), "x: isn't a valid proxy: bad"),
    "InvalidHandshake": (ours.InvalidHandshake("text"), "text"),
    "SecurityError": (ours.SecurityError("text"), "text"),
    "RequestLineTooLong": (ours.RequestLineTooLong("text"), "text"),
    "StatusLineTooLong": (ours.StatusLineTooLong("text"), "text"),
    "HeaderLineTooLong": (ours.HeaderLineTooLong("text"), "text"),
    "TooManyHeaders": (ours.TooManyHeaders("text"), "text"),
    "ProxyError": (ours.ProxyError("text"), "text"),
    "InvalidProxyMessage": (ours.InvalidProxyMessage("text"), "text"),
    "InvalidProxyStatus": (ours.InvalidProxyStatus(REFUSAL), "proxy rejected connection: HTTP 403"),
    "InvalidMessage": (ours.InvalidMessage("text"), "text"),
    "InvalidMethod": (ours.InvalidMethod("PUT"), "RFC 6455 section 4.1: unsupported HTTP method: PUT"),
    "InvalidProtocol": (
        ours.InvalidProtocol("HTTP/1.0"),
        "RFC 6455 section 4.1: unsupported HTTP version: HTTP/1.0",
    ),
    "InvalidStatus": (ours.InvalidStatus(REFUSAL), "server rejected WebSocket connection: HTTP 403"),
    "InvalidHeader": (ours.InvalidHeader("Host"), "missing Host header"),
    "InvalidHeaderFormat": (
        ours.InvalidHeaderFormat("Upgrade", "unexpected text", "a b", 1),
        "invalid Upgrade header: unexpected text at 1 in a b",
    ),
    "InvalidHeaderValue": (ours.InvalidHeaderValue("Host", ""), "empty Host header"),
    "InvalidOrigin": (ours.InvalidOrigin("http://x"), "invalid Origin header: http://x"),
    "InvalidUpgrade": (ours.InvalidUpgrade("Upgrade", "h2c"), "invalid Upgrade header: h2c"),
    "NegotiationError": (ours.NegotiationError("text"), "text"),
    "DuplicateParameter": (ours.DuplicateParameter("a"), "duplicate parameter: a"),
    "InvalidParameterName": (ours.InvalidParameterName("a"), "invalid parameter name: a"),
    "InvalidParameterValue": (ours.InvalidParameterValue("a", "b"), "invalid value for parameter a: b"),
    "ProtocolError": (ours.ProtocolError("text"), "text"),
    "PayloadTooBig": (
        ours.PayloadTooBig(10, 5, 20),
        "RFC 6455 section 10.4: frame with 10 bytes after 20 bytes exceeds limit of 25 bytes",
    ),
    "TooManyFragments": (
        ours.TooManyFragments(7),
        "RFC 6455 section 10.4: message exceeds limit of 7 frames",
    ),
    "InvalidState": (ours.InvalidState("text"), "text"),
    "ConcurrencyError": (ours.ConcurrencyError("text"), "text"),
}


def test_there_is_a_sample_of_each() -> None:
    assert sorted(SAMPLES) == sorted(ours.__all__)


def test_names_are_those_of_websockets() -> None:
    assert sorted(ours.__all__) == sorted(theirs.__all__)


@pytest.mark.parametrize("name", ours.__all__)
def test_tree_and_arguments_are_those_of_websockets(name: str) -> None:
    our_class, their_class = getattr(ours, name), getattr(theirs, name)
    assert [cls.__name__ for cls in our_class.__mro__] == [cls.__name__ for cls in their_class.__mro__]
    if "__init__" in our_class.__dict__ or "__init__" in their_class.__dict__:
        our_arguments = inspect.signature(our_class.__init__).parameters
        assert list(our_arguments) == list(inspect.signature(their_class.__init__).parameters)


@pytest.mark.parametrize("name", ours.__all__)
def test_tree_is_drawn_in_the_docstring(name: str) -> None:
    assert f" {name}" in (ours.__doc__ or "")


@pytest.mark.parametrize("name", SAMPLES)
def test_text(name: str) -> None:
    error, text = SAMPLES[name]
    assert str(error) == text


@pytest.mark.parametrize("name", SAMPLES)
def test_made_here_is_caught_as_either(name: str) -> None:
    error, _ = SAMPLES[name]
    assert isinstance(error, getattr(ours, name))
    assert isinstance(error, getattr(theirs, name))
    assert isinstance(error, theirs.WebSocketException)
    assert type(error).__name__ == name
    assert type(error).__qualname__ == name
    assert type(error).__module__ == "openline.exceptions"
    assert repr(error).startswith(f"{name}(")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("duplicate", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_copies_and_pickles(name: str, duplicate: object) -> None:
    error, text = SAMPLES[name]
    assert callable(duplicate)
    again = duplicate(error)
    assert type(again) is type(error)
    assert str(again) == text
    assert again.__dict__ == error.__dict__


def test_pickles_where_arguments_were_given_by_name() -> None:
    error = ours.ConnectionClosedError(rcvd=None, sent=Close(1006, ""), rcvd_then_sent=None)
    again = pickle.loads(pickle.dumps(error))
    assert (again.rcvd, again.sent, again.rcvd_then_sent) == (None, Close(1006, ""), None)


def test_joined_class_is_made_once() -> None:
    assert type(ours.InvalidState()) is type(ours.InvalidState())


def test_joined_class_makes_its_own_kind() -> None:
    cls = type(ours.ProtocolError("a"))
    assert type(cls("b")) is cls


def test_class_of_a_program_is_left_alone() -> None:
    class Mine(ours.ProtocolError):
        pass

    assert type(Mine("x")) is Mine
    assert not isinstance(Mine("x"), theirs.ProtocolError)


def test_nearest_base_is_joined_where_theirs_lacks_a_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    older = types.ModuleType("websockets.exceptions")

    class WebSocketException(Exception):
        pass

    older.WebSocketException = WebSocketException  # type: ignore[attr-defined]
    older.TooManyFragments = "not a class"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "websockets.exceptions", older)
    assert isinstance(ours.TooManyFragments(1), WebSocketException)
    assert type(ours.TooManyFragments(1)).__name__ == "TooManyFragments"


def test_nothing_is_joined_while_theirs_is_half_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.exceptions", types.ModuleType("websockets.exceptions"))
    assert type(ours.InvalidState()) is ours.InvalidState


def test_websockets_is_never_imported_for_it() -> None:
    program = """
import sys
from openline.exceptions import ConnectionClosedOK, InvalidState
try:
    raise ConnectionClosedOK(None, None)
except ConnectionClosedOK as error:
    assert type(error) is ConnectionClosedOK
assert not [name for name in sys.modules if name.startswith("websockets")]

import websockets.exceptions
try:
    raise InvalidState("late")
except websockets.exceptions.InvalidState as error:
    assert isinstance(error, InvalidState)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


@pytest.mark.parametrize(
    ("rcvd", "sent", "text"),
    [
        (None, Close(1000, ""), "sent 1000 (OK); no close frame received"),
        (Close(1001, "a"), None, "received 1001 (going away) a; no close frame sent"),
    ],
)
def test_connection_closed_with_one_close_frame(rcvd: Close | None, sent: Close | None, text: str) -> None:
    assert str(ours.ConnectionClosed(rcvd, sent)) == text


def test_7_1_5_code_is_what_was_received() -> None:
    error = ours.ConnectionClosed(Close(4000, "why"), None)
    assert (error.code, error.reason) == (4000, "why")


def test_7_1_5_code_is_1006_without_a_close_frame() -> None:
    error = ours.ConnectionClosed(None, Close(4000, "why"))
    assert (error.code, error.reason) == (1006, "")


@pytest.mark.parametrize(
    ("rcvd", "sent", "normal"),
    [
        (1000, 1000, True),
        (1001, 1001, True),
        (1005, 1005, True),
        (1000, None, False),
        (None, 1000, False),
        (None, None, False),
        (1002, 1002, False),
        (1000, 1011, False),
        (4000, 1000, False),
    ],
)
def test_connection_closed_says_whether_it_went_well(
    rcvd: int | None, sent: int | None, normal: bool
) -> None:
    frames = [None if code is None else Close(code) for code in (rcvd, sent)]
    order = None if None in frames else True
    error = ours.connection_closed(frames[0], frames[1], order)
    assert isinstance(error, ours.ConnectionClosedOK) is normal
    assert isinstance(error, ours.ConnectionClosedError) is not normal
    assert (error.rcvd, error.sent, error.rcvd_then_sent) == (*frames, order)


def test_payload_too_big_takes_a_text() -> None:
    error = ours.PayloadTooBig("my limit")
    assert str(error) == "my limit"
    assert (error.size, error.max_size, error.current_size) == (None, None, None)
    error.set_current_size(3)
    assert error.current_size is None


def test_payload_too_big_learns_what_came_before() -> None:
    error = ours.PayloadTooBig(None, 5)
    assert str(error) == "RFC 6455 section 10.4: frame exceeds limit of 5 bytes"
    error.set_current_size(2)
    assert (error.max_size, error.current_size) == (7, 2)
    assert str(error) == "RFC 6455 section 10.4: frame after 2 bytes exceeds limit of 7 bytes"
