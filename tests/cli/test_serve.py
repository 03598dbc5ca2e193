"""`openline serve`: what happens to messages, who may connect, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import signal
import socket
import ssl
import stat
import sys
from pathlib import Path

import pytest
import trustme
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect, unix_connect
from websockets.typing import Origin, Subprotocol

from tests.cli.terminal import PATIENCE, background, run, server


def end_of(ws: ClientConnection) -> ConnectionClosed:
    """Read until the connection is closed, and return how."""
    while True:
        try:
            ws.recv(PATIENCE)
        except ConnectionClosed as closed:
            return closed


# Handlers.


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


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_exec_ends_a_stubborn_program_and_its_children_with_the_connection() -> None:
    with server("--exec", python(STUBBORN), "--access-log") as (command, url):
        with connect(url) as ws:
            pids = [int(pid) for pid in str(ws.recv(PATIENCE)).split()]
            assert all(is_running(pid) for pid in pids)
        command.expect("closed /")  # written once the handler is done, and so the program
        assert not any(is_running(pid) for pid in pids)


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


def test_exec_of_a_missing_program_is_said_at_once() -> None:
    result = run("serve", "--port", "0", "--exec", "no-such-program -x")
    assert b"Error: --exec: there is no program 'no-such-program'" in result.stderr
    assert result.returncode == 1


def test_exec_never_asks_a_shell() -> None:
    with server("--exec", "echo $HOME; ls") as (_, url), connect(url) as ws:
        assert ws.recv(PATIENCE) == "$HOME; ls"


# Who may connect.


def test_a_page_of_the_server_itself_may_connect() -> None:
    with server() as (_, url):
        port = url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost"):
            own = Origin(f"http://{host}:{port}")
            with connect(f"ws://{host}:{port}", origin=own) as ws:
                ws.send("hi")
                assert ws.recv(PATIENCE) == "hi"


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost:1", "null", "https://127.0.0.1.evil.example"]
)
def test_a_page_of_another_site_gets_403_rfc6455_section_10_2(origin: str) -> None:
    with server("--access-log") as (command, url):
        with pytest.raises(InvalidStatus) as refused:
            connect(url, origin=Origin(origin))
        assert refused.value.response.status_code == 403
        command.expect(re.escape(f"refused / 403, origin {origin}"))


def test_a_name_that_was_rebound_to_this_machine_is_no_page_of_ours() -> None:
    with server() as (_, url):
        port = int(url.rpartition(":")[2])
        name = f"evil.example:{port}"
        with socket.create_connection(("127.0.0.1", port)) as sock, pytest.raises(InvalidStatus) as refused:
            connect(f"ws://{name}", sock=sock, origin=Origin(f"http://{name}"))
        assert refused.value.response.status_code == 403


def test_origin_names_the_pages_that_may_connect() -> None:
    with server("--origin", "https://One.example/", "--origin", "https://two.example") as (_, url):
        for origin in ("https://one.example", "https://two.example", None):
            with connect(url, origin=None if origin is None else Origin(origin)) as ws:
                ws.send("hi")
                assert ws.recv(PATIENCE) == "hi"
        with pytest.raises(InvalidStatus):
            connect(url, origin=Origin(url.replace("ws://", "http://")))


def test_origin_any_lets_all_in() -> None:
    with server("--origin", "any") as (_, url), connect(url, origin=Origin("http://evil.example")) as ws:
        ws.send("hi")
        assert ws.recv(PATIENCE) == "hi"


# TLS.


def test_certfile_makes_it_wss(authority: trustme.CA, client_tls: ssl.SSLContext, tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    with server("--certfile", str(path)) as (_, url), connect(url, ssl=client_tls) as ws:
        assert url.startswith("wss://")
        ws.send("hi")
        assert ws.recv(PATIENCE) == "hi"


def test_a_certfile_that_is_none_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    path.write_text("nonsense")
    result = run("serve", "--port", "0", "--certfile", str(path))
    assert b"holds no usable certificate and key" in result.stderr
    assert result.returncode == 1


def served_fingerprint(url: str) -> str:
    host, port = url.removeprefix("wss://").split(":")
    pem = ssl.get_server_certificate((host, int(port)))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()


def test_dev_cert_is_made_once_and_its_fingerprint_said(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with server("--dev-cert", home=tmp_path) as (command, url):
            fingerprint = command.expect(r"SHA-256 fingerprint ([0-9A-F:]+)")[1].replace(":", "")
            path = Path(command.expect(r"self-signed certificate (\S+)")[1])
            assert served_fingerprint(url) == fingerprint
            said.append(fingerprint)
    assert said[0] == said[1]
    assert path.is_relative_to(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_dev_cert_is_valid_for_this_machine_once_it_is_trusted(tmp_path: Path) -> None:
    with server("--dev-cert", home=tmp_path) as (command, url):
        path = command.expect(r"self-signed certificate (\S+)")[1]
        trusting = ssl.create_default_context(cafile=path)
        with connect(url.replace("127.0.0.1", "localhost"), ssl=trusting) as ws:
            ws.send("hi")
            assert ws.recv(PATIENCE) == "hi"


# Addresses, logs, ends.


def test_a_unix_socket_is_served(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with background("serve", "--unix", path) as command:
        command.expect("Ctrl-C ends it")
        with unix_connect(path, "ws://localhost/") as ws:
            ws.send("hi")
            assert ws.recv(PATIENCE) == "hi"


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for more in ([], ["--workers", "2"]):
            result = run("serve", "--port", str(port), *more)
            assert result.stderr.decode().startswith(f"Error: cannot listen on 127.0.0.1:{port}: ")
            assert len(result.stderr.splitlines()) == 1
            assert result.returncode == 1


def test_subprotocols_are_chosen() -> None:
    with server("-s", "one", "-s", "two") as (_, url), connect(url, subprotocols=[Subprotocol("two")]) as ws:
        assert ws.subprotocol == "two"


def test_max_size_closes_with_1009() -> None:
    with server("--max-size", "10") as (_, url), connect(url) as ws:
        ws.send("x" * 11)
        closed = end_of(ws)
        assert closed.rcvd is not None
        assert closed.rcvd.code == 1009


def test_compression_can_be_turned_off() -> None:
    for options, wanted in (((), "permessage-deflate"), (("--no-compress",), "")):
        with server(*options) as (_, url), connect(url) as ws:
            assert ws.response is not None
            assert ws.response.headers.get("Sec-WebSocket-Extensions", "").startswith(wanted or "")
            assert bool(ws.response.headers.get("Sec-WebSocket-Extensions")) is bool(wanted)


def test_access_log_says_who_came_and_how_it_ended() -> None:
    with server("--access-log") as (command, url):
        with connect(f"{url}/room") as ws:
            ws.close(4000, "line\nbreak")
        command.expect(r"127\.0\.0\.1:\d+ open /room\n")
        command.expect(r"127\.0\.0\.1:\d+ closed /room 4000 line\\nbreak after \d+\.\d{3} s\n")


def test_quiet_says_nothing(closed_port: int) -> None:
    with background("serve", "--quiet", "--port", str(closed_port)) as command:
        result = run("connect", "-1", "--wait", "5", f"ws://127.0.0.1:{closed_port}", stdin=b"hi\n")
        while result.returncode != 0:
            result = run("connect", "-1", "--wait", "5", f"ws://127.0.0.1:{closed_port}", stdin=b"hi\n")
        command.signal(signal.SIGTERM)
        assert command.end() == 0
        assert command.said == ""


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


def raw_websocket(url: str) -> socket.socket:
    """A client that shakes hands and then never answers anything."""
    host, port = url.removeprefix("ws://").split(":")
    sock = socket.create_connection((host, int(port)), timeout=PATIENCE)
    sock.sendall(
        f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert sock.recv(65536).startswith(b"HTTP/1.1 101 ")
    return sock


def test_a_second_signal_ends_it_at_once() -> None:
    with server() as (command, url), raw_websocket(url) as sock:
        command.signal(signal.SIGINT)
        assert sock.recv(65536)[:1] == b"\x88"  # its Close frame, which stays without an answer
        command.signal(signal.SIGINT)
        assert command.end() == 130


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--echo", "--broadcast"], "exclude each other"),
        (["--keyfile", os.devnull], ""),
        (["--broadcast", "--workers", "2"], "it excludes --workers"),
        (["--unix", "x", "--workers", "2"], "not a Unix socket"),
        (["--port", "65536"], "65535"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], complaint: str) -> None:
    result = run("serve", *arguments)
    assert complaint in result.stderr.decode()
    assert result.returncode == 2
