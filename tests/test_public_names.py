"""What `openline` and `openline.sync` offer: light to import, and named as in `websockets`."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import websockets.asyncio.client
import websockets.asyncio.connection
import websockets.asyncio.router
import websockets.asyncio.server
import websockets.exceptions
import websockets.sync.client
import websockets.sync.connection
import websockets.sync.server

import openline
import openline.exceptions
import openline.sync

NAMES = """
    connect unix_connect serve unix_serve route unix_route basic_auth broadcast Listener Server Connection
    ServerConnection ClientConnection Request Response Headers State CloseCode Opcode HTTPRequest HTTPResponse
    ConnectionClosed ConnectionClosedOK ConnectionClosedError InvalidHandshake InvalidStatus WebSocketException
""".split()

HEAVY = """
    h11 werkzeug click rich prompt_toolkit email.utils urllib.request aiohappyeyeballs python_socks uvloop websockets
    cryptography
""".split()

# What ours default to differs, or cannot be compared: names of products, and functions of their own.
NOT_COMPARED = {
    "user_agent_header",
    "server_header",
    "process_exception",
    "reconnect_delays",
    "kwargs",
    "self",
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert hasattr(openline, name)


def test_importing_is_light() -> None:
    code = f"import openline, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
        == "\n"
    )


def test_every_exception_of_websockets_is_there() -> None:
    theirs = {
        name
        for name, value in vars(websockets.exceptions).items()
        if inspect.isclass(value)
        and issubclass(value, Exception)
        and value.__module__ == "websockets.exceptions"
    }
    # ConcurrencyError and all others; those that only their legacy API raises are not ours.
    assert theirs - set(vars(openline.exceptions)) == set()


THEIRS_AND_OURS: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    (websockets.asyncio.client.connect, openline.connect),
    (websockets.asyncio.client.unix_connect, openline.unix_connect),
    (websockets.asyncio.server.serve, openline.serve),
    (websockets.asyncio.server.unix_serve, openline.unix_serve),
    (websockets.asyncio.router.route, openline.route),
    (websockets.asyncio.router.unix_route, openline.unix_route),
    (websockets.asyncio.server.basic_auth, openline.basic_auth),
    (websockets.asyncio.server.broadcast, openline.broadcast),
    (websockets.sync.server.serve, openline.sync.serve),
    (websockets.sync.server.unix_serve, openline.sync.unix_serve),
    (websockets.sync.client.unix_connect, openline.sync.unix_connect),
]


@pytest.mark.parametrize(("theirs", "ours"), THEIRS_AND_OURS)
def test_arguments_and_defaults_are_theirs(theirs: Callable[..., Any], ours: Callable[..., Any]) -> None:
    missing, different = [], []
    parameters = inspect.signature(ours).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for name, parameter in inspect.signature(theirs).parameters.items():
        if name in NOT_COMPARED:
            continue
        if name not in parameters:
            if not open_ended:
                missing.append(name)
        elif parameters[name].default != parameter.default:
            different.append((name, parameter.default, parameters[name].default))
    assert not missing
    assert not different


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (websockets.asyncio.server.ServerConnection, openline.ServerConnection),
        (websockets.asyncio.client.ClientConnection, openline.ClientConnection),
        (websockets.asyncio.server.Server, openline.Server),
        (websockets.sync.server.ServerConnection, openline.sync.ServerConnection),
        (websockets.sync.client.ClientConnection, openline.sync.ClientConnection),
        (websockets.sync.server.Server, openline.sync.Server),
    ],
)
def test_documented_methods_are_there(theirs: type, ours: type) -> None:
    methods = """
        recv recv_streaming send close wait_closed ping pong id logger latency state request response subprotocol
        close_code close_reason local_address remote_address respond
        connections sockets is_serving start_serving serve_forever get_loop shutdown fileno
    """.split()
    # Some are the line's, which joins the connection when there is an engine.
    line = {"recv", "send", "latency", "state"}
    missing = [
        name for name in methods if hasattr(theirs, name) and not hasattr(ours, name) and name not in line
    ]
    assert not missing
