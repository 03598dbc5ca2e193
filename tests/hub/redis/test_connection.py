"""One connection to a server."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from redis.exceptions import MovedError, ReadOnlyError

from openline.hub.redis.connection import (
    LOST,
    Redirected,
    ResponseError,
    ServerConnection,
    code_of,
    redirection,
)
from tests.hub.redis_server import RedisServer, needs_redis, redis_server


def to(server: RedisServer, **settings: object) -> ServerConnection:
    return ServerConnection({"host": "127.0.0.1", "port": server.port, **settings}, 5.0)


@needs_redis
async def test_commands_and_replies(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        connection = to(server)
        await connection.open()
        assert await connection.ask("SET", "a b", b"\x00\r\n", "GET") is None
        assert await connection.ask("GET", "a b") == b"\x00\r\n"
        await connection.send([("INCR", "n"), ("LRANGE", "none", 0, -1), ("NOPE",), ("PING",)])
        assert await connection.read() == 1
        assert await connection.read() == []
        with pytest.raises(ResponseError, match="unknown command"):
            await connection.read()
        assert await connection.read() == b"PONG"
        about = await connection.identify()
        assert about.master
        assert about.run_id.encode() in server.ask("INFO", "server")
        await connection.close()
        await connection.close()


@needs_redis
async def test_what_is_lost_stays_lost(tmp_path: Path) -> None:
    """redis-py connects by itself when it is asked to send: that would mix up replies."""
    with redis_server(tmp_path) as server:
        connection = to(server)
        await connection.open()
        server.kill()
        with pytest.raises(LOST):
            await connection.read()
        server.start()
        with pytest.raises(ConnectionError):
            await connection.send([("PING",)])
        await connection.close()


@needs_redis
async def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--requirepass", "right", "--save", "") as server:
        wrong = to(server, password="wrong")
        with pytest.raises(LOST, match=r"(?i)wrong|invalid"):
            await wrong.open()
        await wrong.close()
        right = to(server, password="right")
        await right.open()
        assert await right.ask("PING") == b"PONG"
        await right.close()


async def test_a_server_that_does_not_answer_is_given_up(closed_port: int) -> None:
    nobody = ServerConnection({"host": "127.0.0.1", "port": closed_port}, 5.0)
    with pytest.raises(LOST):
        await nobody.open()
    await nobody.close()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {"host": "127.0.0.1", "port": silent.getsockname()[1], "db": 1}
        connection = ServerConnection(settings, 0.1)
        with pytest.raises(TimeoutError):
            await connection.open()
        await connection.close()


async def test_a_redis_without_sharded_pubsub_is_too_old() -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        facts = b"redis_version:6.2.14\r\nrun_id:x\r\nrole:master\r\n"
        while header := await reader.readline():
            words = [await reader.readline() for _ in range(2 * int(header[1:]))][1::2]
            known = words[0].strip() == b"INFO"
            writer.write(b"$%d\r\n%b\r\n" % (len(facts), facts) if known else b"-ERR unknown command\r\n")
        writer.close()

    async with await asyncio.start_server(old, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = ServerConnection({"host": "127.0.0.1", "port": port}, 5.0)
        await connection.open()
        with pytest.raises(ConnectionError, match=r"Redis 6\.2\.14; 7 or newer"):
            await connection.identify()
        await connection.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ResponseError("MOVED 1 h:1"), "MOVED"),  # as redis-py 5 gives it outside of its own cluster client
        (MovedError("1 h:1"), "MOVED"),
        (ReadOnlyError("You can't write against a read only replica."), "READONLY"),
        (ResponseError("OOM command not allowed"), "OOM"),
    ],
)
def test_the_code_of_an_error(error: ResponseError, code: str) -> None:
    assert code_of(error) == code


def test_redirections() -> None:
    for error in (ResponseError("MOVED 1 ::1:7000"), MovedError("1 ::1:7000")):
        found = redirection(error)
        assert isinstance(found, Redirected)
        assert (found.host, found.port, found.moved) == ("::1", 7000, True)
    found = redirection(ResponseError("ASK 1 :7000"))
    assert found is not None
    assert (found.host, found.port, found.moved) == ("", 7000, False)
    assert redirection(ResponseError("ERR no")) is None
    assert redirection(ResponseError("MOVED somewhere")) is None
