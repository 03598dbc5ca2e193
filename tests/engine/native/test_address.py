"""Addresses of lines are those that Python's socket objects give."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.engine.native.bare import opened, tcp_pair

pytestmark = pytest.mark.native


def unix_pair(address: str | bytes) -> tuple[socket.socket, socket.socket]:
    """The accepted end and the connecting end of a connection to a Unix socket."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(address)
        ours, _ = server.accept()
    peer.setblocking(False)
    return ours, peer


async def expect_same(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    sockname, peername = ours.getsockname(), ours.getpeername()
    async with opened(pair=pair) as (line, _):
        for _ in range(2):
            assert line.get_extra_info("sockname") == sockname
            assert line.get_extra_info("peername") == peername
            assert type(line.get_extra_info("sockname")) is type(sockname)
    # They are still known when the descriptor is closed.
    assert line.get_extra_info("sockname") == sockname
    assert line.get_extra_info("peername") == peername


async def test_ipv4() -> None:
    await expect_same(tcp_pair())


async def test_ipv6() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    with server:
        peer = socket.create_connection(server.getsockname()[:2])
        ours, _ = server.accept()
    await expect_same((ours, peer))


async def test_a_unix_socket_with_a_path(tmp_path: Path) -> None:
    path = str(tmp_path / "söcket")
    await expect_same(unix_pair(path))


async def test_a_unix_socket_with_a_path_that_is_no_text(tmp_path: Path) -> None:
    await expect_same(unix_pair(os.fsencode(tmp_path) + b"/\xff"))


async def test_a_unix_socket_whose_path_is_as_long_as_can_be(tmp_path: Path) -> None:
    path = str(tmp_path)
    path += "/" + "x" * (107 - len(path) - 1)
    await expect_same(unix_pair(path))


async def test_an_abstract_unix_socket() -> None:
    await expect_same(unix_pair(b"\0openline-test-%d" % os.getpid()))


async def test_unix_sockets_without_a_name() -> None:
    await expect_same(socket.socketpair())


async def test_a_peer_that_has_gone_has_no_address() -> None:
    ours, peer = tcp_pair()
    async with opened(pair=(ours, peer)) as (line, _):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        await line.until("lost")
        assert line.get_extra_info("peername", "nobody") == "nobody"
