"""`openline demo`: serves the playground, says where, and says when its pages are missing."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

from websockets.sync.client import connect

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


def test_its_chat_answers() -> None:
    with background("demo", "--port", "0") as command:
        address = command.expect(r"at http://(\S+)/")[1]
        with connect(f"ws://{address}/lines/chat") as ws:
            ws.send(json.dumps({"type": "enter", "name": "Ada"}))
            assert isinstance(json.loads(ws.recv(PATIENCE)), dict)


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
