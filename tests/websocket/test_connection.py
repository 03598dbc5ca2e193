"""What a connection says of itself, and how it begins; what it does is tested by the modules it is made of."""

from __future__ import annotations

import asyncio
import logging
import pickle
import uuid

import pytest

from openline import Connection, ConnectionClosedError, Request, Response, State, connect, serve
from openline.protocol.http11 import Response as ProtocolResponse

from .pair import PATIENCE, meeting, pair, port_of, raw_pair

pytestmark = pytest.mark.engine


async def test_the_handshake_can_be_read_later() -> None:
    async with pair({"subprotocols": ["chat"]}, subprotocols=["chat"]) as (server, client):
        for ws in (server, client):
            assert isinstance(ws.request, Request)
            assert isinstance(ws.response, Response)
            assert ws.request is ws.request
            assert ws.request.headers["Upgrade"] == "websocket"
            assert ws.response.status_code == 101
            assert ws.subprotocol == "chat"


async def test_a_raw_handshake_is_parsed_when_it_is_asked_for() -> None:
    async with pair() as (server, _):
        assert isinstance(server.response, ProtocolResponse)
        server.extra.request = b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
        server.extra.response = b"HTTP/1.1 101 Switching Protocols\r\nX-Made: later\r\n\r\n"
        assert server.request is not None
        assert server.request.path == "/later"
        assert server.response.headers["X-Made"] == "later"


async def test_id_is_random_and_stays() -> None:
    async with pair() as (server, client):
        assert isinstance(server.id, uuid.UUID)
        assert server.id is server.id
        assert server.id != client.id


async def test_addresses() -> None:
    async with pair() as (server, client):
        assert server.remote_address == client.local_address
        assert server.local_address == client.remote_address
        assert client.remote_address[0] == "127.0.0.1"
        address = client.remote_address
        await client.close()
        assert client.remote_address == address


async def test_attributes_of_ones_own() -> None:
    async with pair() as (server, _):
        server.user = "anna"  # type: ignore[attr-defined]
        assert server.user == "anna"  # type: ignore[attr-defined]
        assert {server: 1}[server] == 1


async def test_repr_helps() -> None:
    async with pair() as (server, client):
        port = client.local_address[1]
        assert repr(server) == f"<ServerConnection open, peer 127.0.0.1:{port}>"
        assert str(client).startswith("<ClientConnection open, peer 127.0.0.1:")
        await (await client.ping())
        assert ", latency " in repr(client)
        await client.close(1001, "over")
        assert repr(client).startswith("<ClientConnection closed (1001 over), peer ")


async def test_repr_counts_unsent_bytes() -> None:
    async with raw_pair(receive_buffer=4096) as (server, _):
        server.send_nowait(b"x" * 10_000_000)
        assert f"{server.unsent} bytes unsent" in repr(server)
        server.transport.abort()


async def test_the_logger_knows_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with pair() as (server, client):
        with caplog.at_level(logging.INFO, "openline"):
            server.logger.info("hello")
            client.logger.info("hello")
        assert [(record.name, record.websocket) for record in caplog.records[-2:]] == [  # type: ignore[attr-defined]
            ("openline.server", server),
            ("openline.client", client),
        ]


async def test_a_logger_of_ones_own() -> None:
    logger = logging.getLogger("mine")
    async with pair(logger=logger) as (_, client):
        assert client.logger.logger is logger


async def test_nothing_is_logged_per_message_unless_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with pair() as (server, client):
        caplog.clear()
        await client.send("a")
        await server.recv()
        await (await server.ping())
        assert caplog.records == []
        assert client.trace is None


async def test_frames_are_logged_where_the_logger_wants_them_at_the_opening(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "openline.client")
    async with pair(compression=None) as (server, client):
        await client.send("question")
        assert await server.recv() == "question"
        await server.send(b"\x00\x01")
        assert await client.recv() == b"\x00\x01"
    lines = [record.getMessage() for record in caplog.records if record.name == "openline.client"]
    assert "> TEXT 'question' [8 bytes]" in lines
    assert "< BINARY 00 01 [2 bytes]" in lines
    assert "> CLOSE 03 e8 [2 bytes]" in lines
    assert "< CLOSE 03 e8 [2 bytes]" in lines


async def test_a_tap_sees_all_bytes_of_both_directions_and_nothing_is_lost() -> None:
    seen: list[tuple[str, bytes]] = []

    def process_request(ws: Connection, request: Request) -> None:
        ws.tap = lambda direction, data: seen.append((direction, bytes(data)))

    async with pair({"process_request": process_request}, compression=None) as (server, client):
        for message in ("one", b"two", "x" * 100_000):
            await client.send(message)
            assert await server.recv() == message
        await server.send("answer")
        server.send_nowait("nowait")
        assert [await client.recv() for _ in range(2)] == ["answer", "nowait"]
        with pytest.raises(RuntimeError):
            server.tap = None
        assert server.tap is not None
    sent = b"".join(data for direction, data in seen if direction == "out")
    received = b"".join(data for direction, data in seen if direction == "in")
    assert sent == b"\x81\x06answer\x81\x06nowait\x88\x02\x03\xe8"
    assert len(received) == (6 + 3) + (6 + 3) + (14 + 100_000) + (6 + 2)


async def test_async_with_closes_and_tells_an_error_by_1011() -> None:
    async with meeting() as (server, handler):
        uri = f"ws://127.0.0.1:{port_of(server)}/"
        ws = await connect(uri)
        peer = await handler.next()
        with pytest.raises(LookupError):
            async with ws:
                raise LookupError
        await peer.wait_closed()
        assert peer.close_code == 1011
        ws = await connect(uri)
        async with ws as same:
            assert same is ws
        assert ws.close_code == 1000


async def test_what_was_raised_can_be_pickled() -> None:
    async with raw_pair() as (server, raw):
        raw.sock.close()
        with pytest.raises(ConnectionClosedError) as info:
            await server.recv()
        again = pickle.loads(pickle.dumps(info.value))
        assert str(again) == str(info.value)


async def test_a_connection_is_closed_before_its_handshake_ended() -> None:
    closed: list[State] = []

    async def process_request(ws: Connection, request: Request) -> None:
        await ws.close()
        closed.append(ws.state)

    async with serve(lambda ws: ws.wait_closed(), "127.0.0.1", 0, process_request=process_request) as server:
        with pytest.raises((OSError, EOFError, Exception)) as info:
            await asyncio.wait_for(connect(f"ws://127.0.0.1:{port_of(server)}/"), PATIENCE)
        assert not isinstance(info.value, TimeoutError)
    assert closed == [State.CLOSING]


async def test_tls(server_tls, client_tls) -> None:  # type: ignore[no-untyped-def]
    async with pair({"ssl": server_tls}, ssl=client_tls) as (server, client):
        for message in ("text", b"x" * 1_000_000):
            await client.send(message)
            assert await server.recv() == message
            await server.send(message)
            assert await client.recv() == message
        assert client.transport.get_extra_info("ssl_object") is not None
        await client.close()
        assert client.close_code == 1000
        await server.wait_closed()
        assert server.close_code == 1000
