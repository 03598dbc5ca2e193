"""Ctrl-C and SIGTERM."""

from __future__ import annotations

import signal

import pytest
from websockets.sync.client import connect

from tests.cli.peers import end_of
from tests.cli.terminal import PATIENCE, server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_connections_with_1001_and_ends_with_0(number: signal.Signals) -> None:
    with server() as (command, url), connect(url) as ws:
        ws.send("hi")
        assert ws.recv(PATIENCE) == "hi"
        command.signal(number)
        closed = end_of(ws)
        assert closed.rcvd is not None
        assert closed.rcvd.code == 1001
        assert command.end() == 0
        assert "Traceback" not in command.said
