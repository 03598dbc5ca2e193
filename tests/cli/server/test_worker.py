"""A worker ends with its supervisor, however that ends."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.cli.processes import children, process_handles, wait_all
from tests.cli.terminal import PATIENCE, server

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc"),
    pytest.mark.timeout(60),
]


@pytest.mark.parametrize("how", ["terminal", "SIGTERM"])
def test_the_end_closes_connections_with_1001_and_leaves_no_worker(how: str) -> None:
    with server("--workers", "2") as (command, url), connect(url) as ws:
        ws.send("hi")
        assert ws.recv(PATIENCE) == "hi"
        with process_handles(children(command.process.pid)) as handles:
            if how == "terminal":
                command.interrupt()
            else:
                command.signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                ws.recv(PATIENCE)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
            assert command.end() == 0
            wait_all(handles)
        assert not re.search("Traceback|ended with", command.said)


def test_workers_end_with_a_supervisor_that_was_killed() -> None:
    with server("--workers", "2") as (command, _), process_handles(children(command.process.pid)) as handles:
        command.signal(signal.SIGKILL)
        wait_all(handles)
