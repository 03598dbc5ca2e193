"""The end of lines that never became a WebSocket."""

from __future__ import annotations

import asyncio
import socket

import pytest

from openline import ServerConnection, serve
from openline.websocket import lingering_close

from .wire import dial, port_of, until

pytestmark = pytest.mark.engine

PLAIN = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def echo(ws: ServerConnection) -> None: ...


async def test_server_ends_its_side_first_and_waits_for_ours() -> None:
    async with serve(echo, "127.0.0.1", 0) as server, dial(server) as wire:
        wire.send(PLAIN)
        await wire.read_answer()
        assert await wire.read_to_end() == b""
        # Its FIN has come, and it still reads: nothing is answered with a reset.
        for _ in range(10):
            wire.send(bytes(10_000))
            await wire.writer.drain()
            await asyncio.sleep(0)
        assert server._openings
        wire.writer.write_eof()
        await until(lambda: not server._openings)


@pytest.mark.parametrize("close_timeout", [0.05, None])
async def test_peer_that_does_not_close_is_cut_off(
    close_timeout: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering_close, "DEFAULT_TIMEOUT", 0.05)
    async with serve(echo, "127.0.0.1", 0, close_timeout=close_timeout) as server, dial(server) as wire:
        wire.send(PLAIN)
        await wire.read_answer()
        await until(lambda: not server._openings)


async def test_peer_that_goes_without_a_word() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        with socket.create_connection(("127.0.0.1", port_of(server))) as sock:
            sock.sendall(PLAIN)
            await asyncio.get_running_loop().sock_recv(_unblocked(sock), 100)
            # A reset instead of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await until(lambda: not server._openings)


def _unblocked(sock: socket.socket) -> socket.socket:
    sock.setblocking(False)
    return sock
