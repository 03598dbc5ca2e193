"""Echo and broadcast."""

from __future__ import annotations

import pytest
from websockets.sync.client import connect

from tests.cli.terminal import PATIENCE, server


def test_echo_is_what_it_does_by_default() -> None:
    with server() as (command, url), connect(url) as ws:
        assert "serving echo at" in command.said
        for message in ("hi", b"\x00\xff", ""):
            ws.send(message)
            assert ws.recv(PATIENCE) == message


def test_broadcast_sends_to_all_the_others() -> None:
    with server("--broadcast") as (_, url), connect(url) as one, connect(url) as two, connect(url) as three:
        # The handlers of all three run once each has heard from another.
        for ws in (two, three):
            ws.send("hello")
            assert one.recv(PATIENCE) == "hello"
        assert three.recv(PATIENCE) == "hello"
        assert two.recv(PATIENCE) == "hello"
        one.send(b"news")
        assert two.recv(PATIENCE) == b"news"
        assert three.recv(PATIENCE) == b"news"
        with pytest.raises(TimeoutError):
            one.recv(0.1)
