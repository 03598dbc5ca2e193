"""What `openline connect` sends from a pipe, what it waits for, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from tests.cli.peers import echo, peer
from tests.cli.terminal import OPENLINE, PATIENCE, environment, run


def test_lines_are_messages_and_messages_are_lines() -> None:
    with peer() as url:
        result = run("connect", "-n", "3", url, stdin="hi\n\nGrüße\n".encode())
    assert result.stdout.decode() == "hi\n\nGrüße\n"
    assert result.returncode == 0


def test_echo_of_many_lines_loses_none() -> None:
    lines = b"".join(b"%d\n" % number for number in range(5000))
    with peer(echo) as url:
        result = run("connect", "-n", "5000", "-q", url, stdin=lines)
    assert result.stdout == lines


def test_after_the_input_it_waits_for_silence_and_closes_with_1000() -> None:
    seen: list[int | None] = []

    def slow_echo(ws: ServerConnection) -> None:
        message = ws.recv()
        threading.Event().wait(0.3)
        ws.send(message)
        with pytest.raises(ConnectionClosed):
            ws.recv()
        seen.append(ws.close_code)

    with peer(slow_echo) as url:
        result = run("connect", "--wait", "1", url, stdin=b"hi\n")
    assert result.stdout == b"hi\n"
    assert seen == [1000]
    assert "closed: 1000 (OK)" in result.stderr.decode()
    assert result.returncode == 0


def test_wait_0_closes_at_once() -> None:
    with peer(lambda ws: ws.recv()) as url:
        result = run("connect", "--wait", "0", url, stdin=b"hi\n")
    assert result.returncode == 0


def test_wait_inf_lets_the_server_close() -> None:
    def three(ws: ServerConnection) -> None:
        for number in range(3):
            ws.send(str(number))

    with peer(three) as url:
        result = run("connect", "--wait", "inf", url)
    assert result.stdout == b"0\n1\n2\n"
    assert "closed by the peer: 1000 (OK)" in result.stderr.decode()
    assert result.returncode == 0


def test_count_ends_after_so_many_messages_though_more_come() -> None:
    def endless(ws: ServerConnection) -> None:
        while True:
            ws.send("more")

    with peer(endless) as url:
        result = run("connect", "-n", "5", url)
    assert result.stdout == b"more\n" * 5
    assert result.returncode == 0


def test_count_fails_when_fewer_messages_come() -> None:
    with peer(lambda ws: ws.send("one")) as url:
        result = run("connect", "-n", "2", url)
    assert result.stdout == b"one\n"
    assert "1 of 2 messages came" in result.stderr.decode()
    assert result.returncode == 1


@pytest.mark.parametrize(("code", "shown", "status"), [(1001, "1001 (going away) bye", 0), (4000, "4000", 1)])
def test_the_peers_close_code_is_shown_and_decides_the_exit_code(code: int, shown: str, status: int) -> None:
    with peer(lambda ws: ws.close(code, "bye")) as url:
        result = run("connect", "--wait", "inf", url)
    assert f"closed by the peer: {shown}" in result.stderr.decode()
    assert result.returncode == status


def test_a_lost_connection_is_an_error() -> None:
    with peer(lambda ws: ws.socket.shutdown(2)) as url:
        result = run("connect", "--wait", "inf", url)
    assert "without a closing handshake" in result.stderr.decode()
    assert result.returncode == 1


def test_execute_sends_messages_and_leaves_the_input_alone() -> None:
    with peer() as url:
        process = subprocess.Popen(
            [*OPENLINE, "connect", "-x", "one", "-x", "two", "-n", "2", url],
            stdin=subprocess.PIPE,  # stays open: reading it would not end
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.read() == b"one\ntwo\n"
            assert process.wait(PATIENCE) == 0


def test_binary_sends_lines_as_they_are() -> None:
    with peer() as url:
        assert run("connect", "-1", "--binary", url, stdin=b"\xff\xfe\n").stdout == b"fffe\n"


def test_a_message_over_max_size_is_refused_with_1009() -> None:
    with peer(lambda ws: (ws.send("x" * 11), ws.recv())) as url:
        result = run("connect", "--max-size", "10", "--wait", "inf", url)
    assert "1009" in result.stderr.decode()
    assert result.returncode == 1


def test_json_sends_nothing_else() -> None:
    with peer() as url:
        result = run("connect", "--json", url, stdin=b"{'a': 1}\n")
    assert "error: not sent, since it is no JSON" in result.stderr.decode()
    assert result.returncode == 1


def test_ping_shows_round_trips() -> None:
    with peer(lambda ws: ws.recv()) as url:
        result = run("connect", "--ping", "0.05", "--wait", "1", url)
    assert result.stderr.decode().count("pong after") >= 2


def test_the_reader_of_the_pipe_may_leave() -> None:
    def endless(ws: ServerConnection) -> None:
        while True:
            ws.send("more")

    with peer(endless) as url:
        process = subprocess.Popen(
            [*OPENLINE, "connect", "--wait", "inf", url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == b"more\n"
            process.stdout.close()
            assert process.wait(PATIENCE) == 0
            assert b"Traceback" not in process.stderr.read()


def test_ctrl_c_closes_with_1000_and_ends_with_130() -> None:
    seen: list[int | None] = []

    def watch(ws: ServerConnection) -> None:
        ws.send("ready")
        with pytest.raises(ConnectionClosed):
            ws.recv()
        seen.append(ws.close_code)

    with peer(watch) as url:
        process = subprocess.Popen(
            [*OPENLINE, "connect", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 130
            assert b"Traceback" not in process.stderr.read()
    assert seen == [1000]
