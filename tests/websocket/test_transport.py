"""``ws.transport``."""

from __future__ import annotations

import asyncio

import pytest

from openline import ConnectionClosedError

from .pair import PATIENCE, pair, raw_pair

pytestmark = pytest.mark.engine


async def test_what_it_tells() -> None:
    async with raw_pair(receive_buffer=4096) as (server, _):
        transport = server.transport
        assert transport.get_extra_info("peername") == server.remote_address
        assert transport.get_extra_info("no such thing", 42) == 42
        assert transport.get_extra_info("socket").getsockname() == server.local_address
        assert transport.get_write_buffer_size() == 0
        server.send_nowait(b"x" * 10_000_000)
        assert transport.get_write_buffer_size() == server.unsent > 0
        assert not transport.is_closing()
        transport.abort()
        assert transport.is_closing()
        await asyncio.wait_for(server.wait_closed(), PATIENCE)
        assert transport.is_closing()
        assert transport.get_write_buffer_size() == 0


async def test_close_sends_what_is_queued_and_no_close_frame() -> None:
    async with pair(max_size=None) as (server, client):
        server.send_nowait(b"x" * 10_000_000)
        server.transport.close()
        assert len(await client.recv()) == 10_000_000
        with pytest.raises(ConnectionClosedError, match="no close frame received or sent"):
            await client.recv()


async def test_abort_loses_what_is_queued() -> None:
    async with raw_pair(receive_buffer=4096) as (server, raw):
        server.send_nowait(b"x" * 10_000_000)
        server.transport.abort()
        await asyncio.wait_for(server.wait_closed(), PATIENCE)
        with pytest.raises(ConnectionResetError):
            await raw.read_to_end()
