"""Every example does what its README says, as the program that a reader would start."""

from __future__ import annotations

import difflib
import json
import re
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 15.0  # seconds


@contextmanager
def running(program: str, *arguments: str) -> Iterator[None]:
    """Run a server until the block ends; then Ctrl-C must end it without a word."""
    command = [sys.executable, str(EXAMPLES / program), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("listening on "), process.stderr.read()
            yield
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
            assert process.stderr.read() == ""
        finally:
            if process.poll() is None:
                process.kill()


def run(program: str, *arguments: str) -> str:
    """Run a program to its end; what it printed."""
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / program), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


def test_every_example_is_listed_and_explained() -> None:
    folders = {path.parent.name for path in EXAMPLES.glob("*/*.py")}
    listed = set(re.findall(r"^\| \[\w+\]\((\w+)\)", (EXAMPLES / "README.md").read_text(), re.MULTILINE))
    assert listed == folders
    assert all((EXAMPLES / folder / "README.md").exists() for folder in folders)


def test_echo(closed_port: int) -> None:
    with running("echo/server.py", str(closed_port)):
        assert run("echo/client.py", str(closed_port)).splitlines() == [
            "'hello'",
            r"b'\x00\x01\x02'",
            "'good bye'",
        ]


@pytest.mark.parametrize("program", ["chat/server.py", "chat_listener/server.py"])
def test_chat(program: str, closed_port: int) -> None:
    url = f"ws://localhost:{closed_port}"
    with running(program, str(closed_port)), connect(url) as ada:
        ada.send("Ada")
        with connect(url) as bob:
            bob.send("Bob")
            assert ada.recv(PATIENCE) == "Bob comes in"
            ada.send("hello")
            for ws in (ada, bob):
                assert ws.recv(PATIENCE) == "Ada: hello"
        assert ada.recv(PATIENCE) == "Bob leaves"
        with connect(url) as silent:
            silent.close()
        with connect(url) as rude:
            rude.send("Carl")
            assert ada.recv(PATIENCE) == "Carl comes in"
            rude.socket.shutdown(2)
            assert ada.recv(PATIENCE) == "Carl leaves"


def test_ticker(closed_port: int) -> None:
    url = f"ws://localhost:{closed_port}"
    with running("ticker/server.py", str(closed_port)), connect(url) as one, connect(url) as two:
        first, second = json.loads(one.recv(PATIENCE)), json.loads(one.recv(PATIENCE))
        assert second["number"] == first["number"] + 1
        seen = [json.loads(two.recv(PATIENCE)), json.loads(two.recv(PATIENCE))]
        assert second in seen or seen[0]["number"] > second["number"]


def http(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_http_and_websocket(closed_port: int) -> None:
    page, line = f"http://localhost:{closed_port}", f"ws://localhost:{closed_port}"
    with running("http_and_websocket/server.py", str(closed_port)), connect(line, origin=Origin(page)) as ws:
        assert ws.recv(PATIENCE) == "0"
        status, text = http(f"{page}/")
        assert status == 200
        assert "new WebSocket" in text
        assert http(f"{page}/count", "POST", b"5") == (200, "5\n")
        assert ws.recv(PATIENCE) == "5"
        assert http(f"{page}/count") == (200, "5\n")
        assert http(f"{page}/count", "POST", b"five")[0] == 400
        assert http(f"{page}/count", "POST", b"1" * 100)[0] == 413
        assert http(f"{page}/elsewhere")[0] == 404
        with pytest.raises(InvalidStatus) as refused:
            connect(line, origin=Origin("http://elsewhere.example"))
        assert refused.value.response.status_code == 403


@pytest.fixture
def certificates(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """PEM files by name: the authority, the server's certificate and key, a client's with its key."""
    paths = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key", "me")}
    server = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(paths["ca"])
    server.cert_chain_pems[0].write_to_path(paths["cert"])
    server.private_key_pem.write_to_path(paths["key"])
    authority.issue_cert("me@here.example").private_key_and_cert_chain_pem.write_to_path(paths["me"])
    return {name: str(path) for name, path in paths.items()}


def test_tls(closed_port: int, certificates: dict[str, str]) -> None:
    port = str(closed_port)
    with running("tls/server.py", port, certificates["cert"], certificates["key"]):
        shown = run("tls/client.py", port, certificates["ca"])
    assert shown.splitlines() == ["the server says that we are unknown", "hello"]


def test_tls_with_certificates_of_clients(closed_port: int, certificates: dict[str, str]) -> None:
    port = str(closed_port)
    with running("tls/server.py", port, certificates["cert"], certificates["key"], certificates["ca"]):
        shown = run("tls/client.py", port, certificates["ca"], certificates["me"])
        assert shown.splitlines() == ["the server says that we are known", "hello"]
        trusting = ssl.create_default_context(cafile=certificates["ca"])
        # TLS 1.3: the client learns only from its first read that it was refused.
        with pytest.raises((OSError, EOFError, InvalidHandshake, ConnectionClosed)):
            connect(f"wss://localhost:{port}", ssl=trusting).recv(PATIENCE)


def test_moving_from_websockets_is_a_changed_import() -> None:
    before = (EXAMPLES / "from_websockets/before.py").read_text().splitlines()
    after = (EXAMPLES / "from_websockets/after.py").read_text().splitlines()
    changed = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    assert changed
    assert all(re.match(r"[+-] from (websockets|openline)\S* import ", line) for line in changed)
    assert run("from_websockets/after.py") == run("from_websockets/before.py")


@pytest.mark.parametrize("example", ["hub_plain", "hub_fastapi", "hub_django"])
def test_chats_on_the_hub(example: str, closed_port: int) -> None:
    port = str(closed_port)
    with running(f"{example}/server.py", port):
        ada = run(f"{example}/client.py", port, "Ada", "hello").splitlines()
        bob = run(f"{example}/client.py", port, "Bob", "anybody here?").splitlines()
    if example == "hub_fastapi":  # which speaks first itself
        assert ada.pop(0) == bob.pop(0) == "(before) the server: I am up"
    if example == "hub_plain":
        assert ada.pop() == bob.pop() == "rooms: {'chat:lobby': 1}"
    assert ada == ["here: Ada", "Ada: hello"]
    assert bob == ["(before) Ada: hello", "here: Bob", "Bob: anybody here?"]
