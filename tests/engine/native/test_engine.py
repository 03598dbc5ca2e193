"""Where lines come from: `NativeEngine`, and that `engine.of` finds it."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import subprocess
import sys
from typing import Any

import pytest

from openline.engine.native.engine import NativeEngine
from openline.engine.native.line import Line
from openline.protocol.states import State
from tests.engine.native.bare import Bare, ClientBare, frame, tcp_pair

pytestmark = [pytest.mark.native, pytest.mark.timeout(20)]


def engine() -> NativeEngine:
    return NativeEngine(asyncio.get_running_loop())


async def test_it_names_itself_and_its_lines() -> None:
    assert engine().name == "native"
    assert engine().line_class is Line


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({}, "native"),
        ({"OPENLINE_ENGINE": "native"}, "native"),
        ({"OPENLINE_ENGINE": "portable"}, "portable"),
        ({"OPENLINE_PURE": "1"}, "portable"),
    ],
)
def test_the_environment_chooses_the_engine_of_a_loop(setting: dict[str, str], name: str) -> None:
    program = """
import asyncio
from openline import engine
async def ask():
    print(engine.of(asyncio.get_running_loop()).name)
asyncio.run(ask())
"""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OPENLINE_")}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=kept | setting, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == name


async def test_adopt_takes_the_socket_over() -> None:
    ours, peer = tcp_pair()
    ours.setblocking(True)
    line: Any = Bare()
    await engine().adopt(ours, line)
    assert ours.fileno() == -1
    del ours
    gc.collect()
    with peer:
        fd = line.get_extra_info("socket").fileno()
        assert not os.get_blocking(fd)
        with socket.socket(fileno=os.dup(fd)) as copy:
            assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        peer.send(frame("hello"))
        assert await line.recv() == "hello"
        line.abort()
        await line.until("lost")


async def test_adopt_takes_a_unix_socket() -> None:
    ours, peer = socket.socketpair()
    line: Any = Bare()
    await engine().adopt(ours, line)
    with peer:
        peer.send(frame("hello"))
        assert await line.recv() == "hello"
    await line.until("lost")


async def test_adopt_without_a_name_to_check_is_refused_and_closes_the_socket(
    client_tls: ssl.SSLContext,
) -> None:
    ours, peer = tcp_pair()
    with peer:
        with pytest.raises(ValueError, match="server_hostname"):
            await engine().adopt(ours, ClientBare(), ssl=client_tls)
        assert peer.recv(1) == b""


async def test_adopt_without_a_name_where_none_is_checked(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    ours, theirs = tcp_pair()
    server: Any = Bare()
    client: Any = ClientBare()
    await asyncio.gather(
        engine().adopt(ours, server, ssl=server_tls, server_side=True),
        engine().adopt(theirs, client, ssl=context),
    )
    await client.send("hello")
    assert await server.recv() == "hello"
    for line in (client, server):
        line.abort()
        await line.until("lost")


async def test_a_tls_handshake_that_never_ends_is_ended_in_time(client_tls: ssl.SSLContext) -> None:
    ours, peer = tcp_pair()
    line: Any = ClientBare()
    with peer:
        with pytest.raises(TimeoutError):
            await engine().adopt(
                ours, line, ssl=client_tls, server_hostname="localhost", ssl_handshake_timeout=0.05
            )
        assert line.state is State.CLOSED
        assert not line.log
        while peer.recv(65536):  # the greeting, then the end
            pass


@pytest.mark.parametrize("reset", [True, False])
async def test_a_peer_that_goes_during_the_tls_handshake(client_tls: ssl.SSLContext, reset: bool) -> None:
    ours, peer = tcp_pair()
    adopting = asyncio.create_task(
        engine().adopt(ours, ClientBare(), ssl=client_tls, server_hostname="localhost")
    )
    await asyncio.get_running_loop().sock_recv(peer, 65536)
    if reset:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    with pytest.raises(OSError):
        await adopting


async def test_cancelling_adopt_closes_the_socket(client_tls: ssl.SSLContext) -> None:
    ours, peer = tcp_pair()
    adopting = asyncio.create_task(
        engine().adopt(ours, ClientBare(), ssl=client_tls, server_hostname="localhost")
    )
    await asyncio.get_running_loop().sock_recv(peer, 65536)
    adopting.cancel()
    await asyncio.wait([adopting])
    assert adopting.cancelled()
    with peer:
        assert await asyncio.get_running_loop().sock_recv(peer, 1) == b""
