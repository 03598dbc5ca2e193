"""run(): from a command line to a server and back, in a process of its own."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys

import pytest

from openline.playground import CannotListen, run

PROGRAM = (
    "from openline.playground import run; run(port=0, announce=lambda address: print(address, flush=True))"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_by_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            page = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=10)
            page.request("GET", "/")
            assert page.getresponse().status in {200, 503}  # 503: the front end is not built here
            page.close()
            process.send_signal(number)
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"Port {port} is taken.*--port {port + 1}"):
            run(port=port)


def test_an_address_of_another_machine_is_said_to_be_none_of_ours() -> None:
    with pytest.raises(CannotListen, match=r"Cannot listen on 192\.0\.2\.1, port 8000"):
        run(host="192.0.2.1")
