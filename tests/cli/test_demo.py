"""`openline demo`: serves the playground, says where, and says when its pages are missing."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

from websockets.sync.client import connect

from openline.cli.network import own_address
from openline.playground.static_files import BUILT
from tests.cli.terminal import PATIENCE, background, run


def test_it_says_where_the_page_is_and_serves_it() -> None:
    with background("demo", "--port", "0") as command:
        port = int(command.expect(r"The playground is at http://127\.0\.0\.1:(\d+)/")[1])
        page = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        page.request("GET", "/")
        response = page.getresponse()
        body = response.read()
        page.close()
        # Tests run with the pages built and without them; both must be said.
        built = (BUILT / "index.html").exists()
        assert response.status == (200 if built else 503)
        assert b"<html" in body
        assert ("The pages are not built" in command.said) is not built
        command.signal(signal.SIGTERM)
        assert command.end() == 0


def test_its_lines_are_there() -> None:
    with background("demo", "--port", "0") as command:
        address = command.expect(r"at http://(\S+)/")[1]
        with connect(f"ws://{address}/connection/websocket") as ws:
            ws.send('{"id":1,"connect":{}}')
            assert json.loads(ws.recv(PATIENCE))["error"]["code"] == 101  # no page of ours, no cookie


def test_over_tls_the_certificate_is_its_own(tmp_path: Path) -> None:
    with background("demo", "--port", "0", "--tls", home=tmp_path) as command:
        fingerprint = command.expect(r"SHA-256 fingerprint (\S+)")[1]
        port = int(command.expect(r"at https://127\.0\.0\.1:(\d+)/")[1])
        with socket.create_connection(("127.0.0.1", port)) as plain:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(plain) as tls:
                shown = tls.getpeercert(binary_form=True)
        assert shown is not None
        assert hashlib.sha256(shown).hexdigest().upper() == fingerprint.replace(":", "")


def test_a_shared_one_says_where_and_how_far_it_is_open() -> None:
    with background("demo", "--port", "0", "--share") as command:
        port = int(command.expect(r"at http://localhost:(\d+)/")[1])
        if own_address() is None:
            command.expect("This machine has no address in a network")
        else:
            address = command.expect(rf"For others in this network: http://(\S+):{port}/")[1]
            command.expect("It listens on all addresses of this machine")
            page = http.client.HTTPConnection(address, port, timeout=PATIENCE)
            page.request("GET", "/health")
            assert page.getresponse().status == 200
            page.close()
            assert "▀" in command.said  # the code for phones


def test_what_is_said_is_kept_in_a_file(tmp_path: Path) -> None:
    data = tmp_path / "play.db"
    with background("demo", "--port", "0", "--data", str(data)) as command:
        command.expect("The playground is at")
        second = run("demo", "--port", "0", "--data", str(data))
        assert second.returncode == 1
        assert str(data) in second.stderr.decode()
    assert data.exists()


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("demo", "--port", str(port))
    assert result.returncode == 1
    assert re.search(rf"^Error: Port {port} is taken", result.stderr.decode(), re.MULTILINE)


def test_pages_that_are_not_built_are_said_so(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, openline.playground.static_files as static_files\n"
        f"static_files.BUILT = pathlib.Path({str(tmp_path)!r})\n"
        "from openline.cli import main\n"
        "main(['demo', '--host', '192.0.2.1', '--port', '0'])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert "The pages are not built" in result.stderr
    assert "`make demo`" in result.stderr
    assert result.returncode == 1  # 192.0.2.1 (RFC 5737) is no address of this machine
