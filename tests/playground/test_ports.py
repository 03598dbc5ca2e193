"""ReservedPort: known, kept, refusing until it is used."""

from __future__ import annotations

import socket
import sys

import pytest

from openline.playground.ports import ReservedPort


def test_it_refuses_until_somebody_listens_and_then_again() -> None:
    port = ReservedPort("127.0.0.1")
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port.number))
        with port.open() as sock:
            sock.listen()
            socket.create_connection(("127.0.0.1", port.number)).close()
    port.close()
    port.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is only hoped for")
def test_nobody_is_given_a_port_that_is_kept() -> None:
    ports = [ReservedPort("127.0.0.1") for _ in range(5)]
    given = {port.number for port in ports}
    assert len(given) == 5
    others = [socket.create_server(("127.0.0.1", 0)) for _ in range(50)]
    assert not given & {sock.getsockname()[1] for sock in others}
    for sock in (*others, *ports):
        sock.close()


def test_an_address_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError):
        ReservedPort("192.0.2.1")


def test_without_an_address_it_is_on_all() -> None:
    port = ReservedPort("")
    with port.open() as sock:
        assert sock.getsockname()[0] == "0.0.0.0"
    port.close()
