"""`openline connect` in pipes: what is sent, what is printed, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
import trustme
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection
from websockets.typing import Subprotocol

from tests.cli.peers import answering, echo, peer
from tests.cli.terminal import OPENLINE, PATIENCE, environment, run


def text(data: bytes) -> str:
    return data.decode()


def test_lines_are_messages_and_messages_are_lines() -> None:
    with peer() as url:
        result = run("connect", "-n", "3", url, stdin="hi\n\nGrüße\n".encode())
    assert text(result.stdout) == "hi\n\nGrüße\n"
    assert result.returncode == 0


def test_line_ends_of_windows_are_no_part_of_the_message() -> None:
    with peer(lambda ws: ws.send(repr(ws.recv()))) as url:
        result = run("connect", "-1", url, stdin=b"hi\r\n")
    assert text(result.stdout) == "'hi'\n"


def test_a_last_line_without_its_end_is_sent() -> None:
    with peer() as url:
        assert run("connect", "-1", url, stdin=b"hi").stdout == b"hi\n"


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
    assert "closed: 1000 (OK)" in text(result.stderr)
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
    assert "closed by the peer: 1000 (OK)" in text(result.stderr)
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
    assert "1 of 2 messages came" in text(result.stderr)
    assert result.returncode == 1


@pytest.mark.parametrize(("code", "shown", "status"), [(1001, "1001 (going away) bye", 0), (4000, "4000", 1)])
def test_the_peers_close_code_is_shown_and_decides_the_exit_code(code: int, shown: str, status: int) -> None:
    with peer(lambda ws: ws.close(code, "bye")) as url:
        result = run("connect", "--wait", "inf", url)
    assert f"closed by the peer: {shown}" in text(result.stderr)
    assert result.returncode == status


def test_a_lost_connection_is_an_error() -> None:
    with peer(lambda ws: ws.socket.shutdown(2)) as url:
        result = run("connect", "--wait", "inf", url)
    assert "without a closing handshake" in text(result.stderr)
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


def test_binary_messages_are_lines_of_hex_in_a_pipe() -> None:
    with peer(lambda ws: ws.send(b"\x00\xffhi")) as url:
        assert run("connect", "-1", url).stdout == b"00ff6869\n"


def test_raw_writes_the_bytes_of_messages_and_nothing_else() -> None:
    def two(ws: ServerConnection) -> None:
        ws.send(b"\x00\xff")
        ws.send("é")

    with peer(two) as url:
        assert run("connect", "-n", "2", "--raw", url).stdout == b"\x00\xff\xc3\xa9"


def test_binary_sends_lines_as_they_are() -> None:
    with peer() as url:
        assert run("connect", "-1", "--binary", url, stdin=b"\xff\xfe\n").stdout == b"fffe\n"


def test_input_that_is_no_utf_8_is_named_with_its_line() -> None:
    with peer() as url:
        result = run("connect", url, stdin=b"hi\n\xff\n")
    assert "error: line 2 of the input is not UTF-8; --binary sends it as it is" in text(result.stderr)
    assert result.returncode == 1


def test_a_line_over_max_size_is_refused_before_it_is_stored() -> None:
    with peer() as url:
        result = run("connect", "--max-size", "10", url, stdin=b"x" * 1000)
    assert "longer than 10 bytes" in text(result.stderr)
    assert result.returncode == 1


def test_a_message_over_max_size_is_refused_with_1009() -> None:
    with peer(lambda ws: (ws.send("x" * 11), ws.recv())) as url:
        result = run("connect", "--max-size", "10", "--wait", "inf", url)
    assert "1009" in text(result.stderr)
    assert result.returncode == 1


def test_json_is_indented_with_every_token_as_it_came() -> None:
    message = '{"a":1.10,"a":[1E400,"\\u00e9\\n",{},[]],"b":null}'
    with peer(lambda ws: ws.send(message)) as url:
        result = run("connect", "-1", "--json", url)
    shown = text(result.stdout)
    assert shown == (
        '{\n  "a": 1.10,\n  "a": [\n    1E400,\n    "\\u00e9\\n",\n    {},\n    []\n  ],\n  "b": null\n}\n'
    )
    assert json.loads(shown) == json.loads(message)


def test_json_sends_nothing_else() -> None:
    with peer() as url:
        result = run("connect", "--json", url, stdin=b"{'a': 1}\n")
    assert "error: not sent, since it is no JSON" in text(result.stderr)
    assert result.returncode == 1


def test_a_pipe_gets_messages_unchanged() -> None:
    message = '{"a": 1} \x1b[31m'
    with peer(lambda ws: ws.send(message)) as url:
        assert text(run("connect", "-1", url).stdout) == f"{message}\n"


def test_the_handshake_carries_what_the_options_say() -> None:
    def describe(ws: ServerConnection) -> None:
        assert ws.request is not None
        names = ("X-One", "X-Two", "Origin", "Authorization", "Sec-WebSocket-Extensions")
        ws.send(json.dumps([ws.request.headers.get(name) for name in names] + [ws.subprotocol]))

    options = ["-H", "X-One: a: b", "-H", "X-Two:c", "-o", "https://here.example", "--auth", "me:secret"]
    with peer(describe, subprotocols=[Subprotocol("second")]) as url:
        result = run("connect", "-1", "--no-compress", *options, "-s", "first", "-s", "second", url)
    assert json.loads(result.stdout) == [
        "a: b",
        "c",
        "https://here.example",
        "Basic bWU6c2VjcmV0",
        None,
        "second",
    ]
    assert "subprotocol second" in text(result.stderr)


def test_verbose_shows_both_headers_of_the_handshake() -> None:
    with peer(lambda ws: ws.send("hi")) as url:
        shown = text(run("connect", "-1", "-v", f"{url}/path?q=1").stderr)
    assert "> GET /path?q=1 HTTP/1.1" in shown
    assert "> Sec-WebSocket-Version: 13" in shown
    assert "< HTTP/1.1 101 Switching Protocols" in shown
    assert "< Sec-WebSocket-Accept: " in shown


def test_quiet_says_nothing_beside_the_messages() -> None:
    with peer() as url:
        result = run("connect", "-1", "-q", url, stdin=b"hi\n")
    assert (result.stdout, result.stderr) == (b"hi\n", b"")


def test_ping_shows_round_trips() -> None:
    with peer(lambda ws: ws.recv()) as url:
        result = run("connect", "--ping", "0.1", "--wait", "0.6", url)
    assert text(result.stderr).count("pong after") >= 2


def test_nothing_but_a_host_is_a_ws_url() -> None:
    with peer() as url:
        assert run("connect", "-1", url.removeprefix("ws://"), stdin=b"hi\n").stdout == b"hi\n"
        assert run("connect", "-1", url.replace("ws://", "http://"), stdin=b"hi\n").stdout == b"hi\n"


def test_a_unix_socket_is_connected_to(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with peer(path=path) as url:
        assert run("connect", "-1", "--unix", path, url, stdin=b"hi\n").stdout == b"hi\n"


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


# Failures: one line each.


def failure(*arguments: str, stdin: bytes = b"") -> str:
    result = run("connect", *arguments, stdin=stdin)
    assert result.returncode == 1
    assert result.stdout == b""
    lines = text(result.stderr).splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0]


def test_a_refused_connection_is_one_line(closed_port: int) -> None:
    assert f"connection refused by localhost:{closed_port}" in failure(f"ws://localhost:{closed_port}")


def test_a_refused_handshake_is_one_line_with_status_and_body() -> None:
    def refuse(ws: ServerConnection, _request: Request) -> Response:
        return ws.respond(403, "not you\nnor anyone else\n")

    with peer(process_request=refuse) as url:
        assert failure(url).endswith("answered 403 Forbidden: not you")


def test_a_body_cannot_command_the_terminal() -> None:
    def refuse(ws: ServerConnection, _request: Request) -> Response:
        return ws.respond(403, "\x1b[2Jgone\n")

    with peer(process_request=refuse) as url:
        assert failure(url).endswith("403 Forbidden: \\x1b[2Jgone")


def test_a_peer_that_speaks_no_http_is_one_line() -> None:
    with answering(b"220 mail.example ESMTP\r\n") as port:
        assert "did not open a WebSocket" in failure(f"ws://127.0.0.1:{port}")


def test_a_peer_that_says_nothing_is_one_line() -> None:
    with answering(None) as port:
        line = failure("--open-timeout", "0.3", f"ws://127.0.0.1:{port}")
    assert "did not answer within 0.3 s" in line


def test_a_certificate_nobody_trusts_is_one_line_with_a_hint(server_tls: ssl.SSLContext) -> None:
    with peer(ssl=server_tls) as url:
        line = failure(url)
    assert "not trusted" in line
    assert "--insecure" in line


def test_tls_to_a_server_without_it_is_one_line_with_a_hint() -> None:
    with peer() as url:
        assert "is it a ws:// server?" in failure(url.replace("ws://", "wss://"))


def test_insecure_accepts_any_certificate(server_tls: ssl.SSLContext) -> None:
    with peer(ssl=server_tls) as url:
        assert run("connect", "-1", "-k", url, stdin=b"hi\n").stdout == b"hi\n"


def test_cacert_trusts_an_issuer(server_tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    with peer(ssl=server_tls) as url:
        assert run("connect", "-1", "--cacert", str(path), url, stdin=b"hi\n").stdout == b"hi\n"


def test_a_client_certificate_is_shown(authority: trustme.CA, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    path = tmp_path / "me.pem"
    authority.issue_cert("me@here.example").private_key_and_cert_chain_pem.write_to_path(path)
    with peer(ssl=context) as url:
        assert run("connect", "-1", "-k", "--cert", str(path), url, stdin=b"hi\n").stdout == b"hi\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ftp://localhost"], "ws and wss are known"),
        (["ws://"], "is no URL"),
        (["ws://localhost:99999"], "is no URL"),
        (["-H", "nocolon", "localhost"], "'Name: value'"),
        (["-1", "-n", "2", "localhost"], "exclude each other"),
        (["--raw", "--json", "localhost"], "exclude each other"),
        (["--key", os.devnull, "localhost"], ""),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], complaint: str) -> None:
    result = run("connect", *arguments)
    assert complaint in text(result.stderr)
    assert result.returncode == 2


def test_echo_of_many_lines_loses_none() -> None:
    lines = b"".join(b"%d\n" % number for number in range(5000))
    with peer(echo) as url:
        result = run("connect", "-n", "5000", "-q", url, stdin=lines)
    assert result.stdout == lines
