"""HTTPClient: answers whole and in pieces, one connection for all, and its end."""

from __future__ import annotations

import asyncio

from openline.playground.comparison.http_client import BROWSER, HTTPClient, get


async def talk(answers: list[bytes]) -> tuple[list[int], bytes, int]:
    """Ask as often as there are answers; gives statuses, bodies, and the connections that were made."""
    statuses: list[int] = []
    body = bytearray()
    lost, came = asyncio.Event(), asyncio.Event()
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            for at in range(0, len(answer), 7):  # cut anywhere
                writer.write(answer[at : at + 7])
                await writer.drain()
        writer.close()

    def answered(status: int) -> None:
        statuses.append(status)
        came.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        client = HTTPClient(body.extend, answered, lost.set)
        await asyncio.get_running_loop().create_connection(lambda: client, *server.sockets[0].getsockname())
        for _ in answers:
            came.clear()
            client.ask(get("/", "localhost"))
            await came.wait()
        await lost.wait()
        client.close()
        client.close()
    return statuses, bytes(body), connections


async def test_answers_come_on_one_connection() -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n world\r\n0\r\n\r\n",
    ]
    assert await talk(answers) == ([200, 204, 200], b"hello world", 1)


async def test_closing_it_oneself_is_no_loss() -> None:
    lost: list[bool] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        client = HTTPClient(lambda _: None, lambda _: None, lambda: lost.append(True))
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: client, *server.sockets[0].getsockname()
        )
        client.close()
        assert transport.is_closing()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert lost == []


def test_a_request_is_what_a_browser_sends() -> None:
    request = get("/?after=3", "localhost:1", "X: y\r\n").decode()
    assert request.startswith("GET /?after=3 HTTP/1.1\r\nHost: localhost:1\r\n")
    assert BROWSER in request
    assert request.endswith("X: y\r\n\r\n")
