"""The sockets that a server listens on."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from openline.websocket.bind import BoundSockets, ServeKwargs, bind, check_serve_kwargs, describe_address


async def bound(host: Any = None, port: int | None = None, **kwargs: Any) -> BoundSockets:
    return await bind(asyncio.get_running_loop(), host, port, ServeKwargs(**kwargs))


async def test_options_of_the_sockets() -> None:
    found = await bound("127.0.0.1", 0, reuse_port=True, keep_alive=True)
    (sock,) = found.sockets
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert not sock.getblocking()
    assert not sock.get_inheritable()
    found.close()
    found = await bound("127.0.0.1", 0, reuse_address=False)
    assert not found.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    assert not found.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    found.close()


async def test_the_same_address_twice_is_one_socket() -> None:
    found = await bound(["127.0.0.1", "127.0.0.1"], 0)
    assert len(found.sockets) == 1
    found.close()


async def test_family() -> None:
    found = await bound("localhost", 0, family=socket.AF_INET)
    assert [sock.family for sock in found.sockets] == [socket.AF_INET]
    found.close()


async def test_ipv4_and_ipv6_share_a_port() -> None:
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as exc:
        pytest.skip(f"this machine has no IPv6: {exc}")
    first = await bound("127.0.0.1", 0)
    port = first.sockets[0].getsockname()[1]
    second = await bound("::1", port)
    assert describe_address(second.sockets[0]) == f"[::1]:{port}"
    assert second.sockets[0].getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    first.close()
    second.close()


async def test_an_address_that_is_not_here_is_passed_over_if_there_is_another() -> None:
    # 192.0.2.1 is documentation's (RFC 5737): nobody has it.
    found = await bound(["192.0.2.1", "127.0.0.1"], 0)
    assert [sock.getsockname()[0] for sock in found.sockets] == ["127.0.0.1"]
    found.close()
    with pytest.raises(OSError, match=r"192\.0\.2\.1") as info:
        await bound("192.0.2.1", 0)
    assert info.value.errno == errno.EADDRNOTAVAIL


async def test_a_failure_leaves_no_socket_open() -> None:
    first = await bound("127.0.0.1", 0)
    first.sockets[0].listen()
    port = first.sockets[0].getsockname()[1]
    with pytest.raises(OSError, match="error while attempting to bind") as info:
        await bound(["127.0.0.2", "127.0.0.1"], port)
    assert info.value.errno == errno.EADDRINUSE
    (await bound("127.0.0.2", port)).close()
    first.close()


async def test_unix_socket_of_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    found = await bound(path=path)
    assert describe_address(found.sockets[0]) == str(path)
    found.close()
    assert not path.exists()
    found.close()


async def test_other_files_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("precious")
    with pytest.raises(OSError, match="already in use"):
        await bound(path=path)
    assert path.read_text() == "precious"


async def test_unix_socket_of_the_next_server_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    first = await bound(path=path)
    second = await bound(path=str(path))
    first.close()
    assert path.exists()
    second.close()
    assert not path.exists()


async def test_cleanup_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    found = await bound(path=os.fsencode(path), cleanup_socket=False)
    found.close()
    assert path.exists()


async def test_mode(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        found = await bound(path=tmp_path / "socket", mode=0o660)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert (tmp_path / "socket").stat().st_mode & 0o777 == 0o660
    found.close()


async def test_abstract_socket() -> None:
    name = f"\0openline-test-{os.getpid()}"
    found = await bound(path=name)
    assert name.encode() in os.fsencode(found.sockets[0].getsockname())
    assert "openline-test" in describe_address(found.sockets[0])
    found.close()


async def test_contradictions(tmp_path: Path) -> None:
    with socket.socket() as sock, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        for kwargs, text in (
            ({}, "host, port or sock"),
            ({"host": "127.0.0.1", "path": tmp_path / "x"}, "together with path"),
            ({"port": 1, "sock": sock}, "together with sock"),
            ({"path": tmp_path / "x", "sock": sock}, "together with sock"),
            ({"sock": datagrams}, "stream socket"),
        ):
            with pytest.raises(ValueError, match=text):
                await bound(**kwargs)


def test_arguments_for_the_other_kind(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        check_serve_kwargs({"sock": sock, "cleanup_socket": False, "backlog": 1})
        with pytest.raises(TypeError, match="'family' has no meaning on a Unix socket"):
            check_serve_kwargs({"sock": sock, "family": socket.AF_INET})
    with pytest.raises(TypeError, match="'cleanup_socket' has no meaning without"):
        check_serve_kwargs({"cleanup_socket": True})
    with pytest.raises(TypeError, match="unexpected keyword argument 'hosts'"):
        check_serve_kwargs({"hosts": 1})  # type: ignore[typeddict-unknown-key]
    check_serve_kwargs({"family": 0, "reuse_port": True, "path": None})
