"""One node: its start, its reload, its end."""

from __future__ import annotations

import json
import signal
import socket
import ssl
from pathlib import Path

import trustme
from websockets.sync.client import connect

from tests.cli.node.nodes import CONFIG, SECRET, ask, client, get, node, token, web, write_config
from tests.cli.peers import end_of
from tests.cli.terminal import run


def test_hangup_reads_tokens_and_namespaces_anew(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    with node("--config", path) as (command, url), client(url, token(path, "--user", "42")) as ws:
        assert ask(ws, 2, subscribe={"channel": "news:1"})["error"]["code"] == 102
        old = token(path, "--user", "42")
        other = SECRET[::-1]
        write_config(tmp_path, CONFIG.replace(SECRET, other) + '[namespaces.news]\nsubscribe = "users"\n')
        command.signal(signal.SIGHUP)
        command.expect("reloaded tokens and 2 namespaces")
        assert "subscribe" in ask(ws, 3, subscribe={"channel": "news:1"})
        with client(url, token(path, "--user", "43")):
            pass
        with connect(url) as refused:
            refused.send(json.dumps({"id": 1, "connect": {"token": old}}))
            closed = end_of(refused)
            assert closed.rcvd is not None
            assert closed.rcvd.code == 3500


def test_a_broken_file_keeps_what_was(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    with node("--config", path) as (command, url):
        before = token(path, "--user", "42")
        write_config(tmp_path, "drian = 1\n" + CONFIG)
        command.signal(signal.SIGHUP)
        command.expect(
            "ERROR the configuration is not reloaded: .*hub.toml, line 1: drian: there is no such option"
        )
        with client(url, before):
            pass


def test_what_needs_a_restart_is_said(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    with node("--config", path) as (command, _):
        write_config(tmp_path, "max_channels = 7\n" + CONFIG + "[broker]\nmax_size = 5\n")
        command.signal(signal.SIGHUP)
        command.expect("WARNING these changes need a restart: max_channels, broker.options")


def test_sigterm_sends_clients_away_such_that_they_come_back(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    text = token(path, "--user", "42")
    with node("--config", path) as (command, url), client(url, text) as one, client(url, text) as two:
        assert get(web(url, "/health")) == 200
        command.signal(signal.SIGTERM)
        for ws in (one, two):
            closed = end_of(ws)
            assert closed.rcvd is not None
            assert (closed.rcvd.code, closed.rcvd.reason) == (3001, "shutdown")
        assert command.end() == 0


def test_while_it_drains_its_health_fails_and_nobody_is_let_in(tmp_path: Path) -> None:
    path = write_config(tmp_path, CONFIG.replace("drain = 0.2", "drain = 600"))
    text = token(path, "--user", "42")
    with node("--config", path) as (command, url), client(url, text) as one, client(url, text):
        command.signal(signal.SIGTERM)
        command.expect("draining 2 sessions")
        closed = end_of(one)
        assert closed.rcvd is not None
        assert closed.rcvd.code == 3001
        assert get(web(url, "/health")) == 503
        assert get(web(url, "/connection/websocket")) in (404, 503)
        command.signal(signal.SIGTERM)
        assert command.end() == 130


def test_ctrl_c_ends_it_too() -> None:
    with node("--insecure") as (command, _):
        command.interrupt()
        assert command.end() == 0


def test_a_prefix_stands_before_all_paths(tmp_path: Path) -> None:
    path = write_config(tmp_path, CONFIG + '[server]\nprefix = "/live"\n')
    with node("--config", path) as (_, url), client(url, token(path, "--user", "42")):
        assert url.endswith("/live/connection/websocket")
        assert get(web(url, "/health")) == 200
        assert get(url.replace("ws", "http", 1).replace("/live/connection/websocket", "/health")) == 404


def test_certfile_makes_it_wss(authority: trustme.CA, client_tls: ssl.SSLContext, tmp_path: Path) -> None:
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "tls.pem")
    path = write_config(tmp_path, CONFIG + '[server]\ncertfile = "tls.pem"\n')
    with node("--config", path) as (_, url), client(url, token(path, "--user", "42"), ssl=client_tls):
        assert url.startswith("wss://")


def test_a_certfile_that_is_none_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "tls.pem").write_text("nonsense")
    path = write_config(tmp_path, CONFIG + '[server]\ncertfile = "tls.pem"\n')
    for more in ([], ["--check"]):
        result = run("hub", "--config", path, *more)
        assert b"tls.pem holds no usable certificate and key" in result.stderr
        assert result.returncode == 1
    path = write_config(tmp_path, CONFIG + '[server]\ncertfile = "missing.pem"\n')
    assert b"certfile or keyfile: No such file" in run("hub", "--config", path, "--check").stderr


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("hub", "--insecure", "--port", str(port), "--log-level", "error")
        assert result.stderr.decode().startswith(f"Error: cannot listen on 127.0.0.1:{port}: ")
        assert len(result.stderr.splitlines()) == 1
        assert result.returncode == 1


def test_a_broker_that_is_down_is_said_at_once_or_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    url = f"redis://127.0.0.1:{port}"
    result = run("hub", "--insecure", "--broker", url, "--port", "0", "--log-level", "error")
    assert result.stderr.decode().startswith("Error: the broker cannot be reached: ")
    assert len(result.stderr.splitlines()) == 1
    assert result.returncode == 1
    result = run("hub", "--insecure", "--broker", url, "--port", "0", "--wait-for-broker", "1.5")
    assert b"trying for 1.5 s" in result.stderr
    assert b"Error: the broker cannot be reached: " in result.stderr
    assert result.returncode == 1
