"""`openline serve --exec`: a program for each connection, and the end of the two."""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect

from tests.cli.peers import end_of
from tests.cli.processes import process_handles, wait_all
from tests.cli.terminal import PATIENCE, server


def python(code: str) -> str:
    """A command line that runs Python code."""
    return shlex.join([sys.executable, "-u", "-c", code])


def test_exec_gives_each_connection_a_program_of_its_own() -> None:
    code = "import os\nwhile True: print(os.getpid(), input())"
    with server("--exec", python(code)) as (_, url), connect(url) as one, connect(url) as two:
        answers: list[list[str]] = []
        for ws in (one, two):
            ws.send("hi")
            answers.append(str(ws.recv(PATIENCE)).split())
        assert [answer[1] for answer in answers] == ["hi", "hi"]
        assert answers[0][0] != answers[1][0]


def test_exec_tells_the_program_who_is_there() -> None:
    code = "import os, json; print(json.dumps([os.environ[n] for n in ('REMOTE_ADDR', 'PATH_INFO', 'QUERY_STRING')]))"
    with server("--exec", python(code)) as (_, url), connect(f"{url}/a/b?c=d") as ws:
        assert json.loads(ws.recv(PATIENCE)) == ["127.0.0.1", "/a/b", "c=d"]


@pytest.mark.parametrize(
    ("code", "close_code", "reason"),
    [
        ("print('bye')", 1000, ""),
        ("raise SystemExit(3)", 1011, "the program ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", 1011, "the program ended with SIGKILL"),
        ("import os; os.write(1, b'\\xff\\n'); input()", 1011, "the program wrote what is not UTF-8"),
        ("print('x' * (2**20 + 2)); input()", 1011, "the program wrote a line of more than 1048576 bytes"),
    ],
)
def test_exec_closes_the_connection_when_the_program_ends(code: str, close_code: int, reason: str) -> None:
    with server("--exec", python(code)) as (_, url), connect(url) as ws:
        closed = end_of(ws)
        assert closed.rcvd is not None
        assert (closed.rcvd.code, closed.rcvd.reason) == (close_code, reason)


STUBBORN = """
import os, signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid)
while True: time.sleep(1)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for processes that are not its children")
def test_exec_ends_a_stubborn_program_and_its_children_with_the_connection() -> None:
    with server("--exec", python(STUBBORN), "--access-log") as (command, url), ExitStack() as stack:
        with connect(url) as ws:
            pids = {int(pid) for pid in str(ws.recv(PATIENCE)).split()}
            ending = stack.enter_context(process_handles(pids))
        command.expect("closed /")  # written once the handler is done, and so the program
        wait_all(ending)  # the child is nobody's to wait for: it was killed, and dies when it gets its turn


def test_exec_lets_a_program_finish_that_reads_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "seen"
    code = f"import sys; open({str(path)!r}, 'w').write(sys.stdin.read())"
    with server("--exec", python(code), "--access-log") as (command, url):
        with connect(url) as ws:
            ws.send("one")
            ws.send(b"two")
        command.expect("closed /")
        assert path.read_text() == "one\ntwo\n"


def test_exec_runs_no_more_programs_than_max_programs() -> None:
    with server("--exec", python("input()"), "--max-programs", "1", "--access-log") as (command, url):
        with connect(url) as ws:
            with pytest.raises(InvalidStatus) as refused:
                connect(url)
            assert refused.value.response.status_code == 503
            ws.send("end")
            assert isinstance(end_of(ws), ConnectionClosedOK)
        command.expect("closed /")  # written once the program is gone
        with connect(url) as another:
            another.send("end")
            assert isinstance(end_of(another), ConnectionClosedOK)
