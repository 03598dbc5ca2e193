"""Which pages may connect."""

from __future__ import annotations

import re
import socket

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.cli.terminal import PATIENCE, server


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
