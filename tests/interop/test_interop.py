"""openline with other libraries, each as server and as client: plain and TLS, with and without permessage-deflate."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from .coroutine_style import OPENLINE
from .ends import FRAGMENTS, PATIENCE, Client, Implementation, Server, Transport

CLOSINGS = [(1000, ""), (1001, "leaving"), (3000, "\u00fc" * 61), (4999, "x" * 123)]
SIZES = (0, 1, 2, 125, 126, 127, 65535, 65536, 1_000_000)


@pytest.fixture(params=["openline serves", "openline connects"])
def pair(request: pytest.FixtureRequest, other: Implementation) -> tuple[Implementation, Implementation]:
    """Server and client."""
    return (OPENLINE, other) if request.param == "openline serves" else (other, OPENLINE)


@contextlib.asynccontextmanager
async def connected(
    pair: tuple[Implementation, Implementation],
    transport: Transport,
    spoken: list[str] | None = None,
    offered: list[str] | None = None,
) -> AsyncIterator[tuple[Server, Client]]:
    """Connect the pair.

    Args:
        spoken: Subprotocols of the server.
        offered: Subprotocols of the client.
    """
    server, client = pair
    async with (
        asyncio.timeout(PATIENCE),
        server.server(transport, spoken or []) as echo,
        client.client(echo.uri, transport, offered or []) as line,
    ):
        assert ("permessage-deflate" in (line.extensions or "")) == transport.deflate
        yield echo, line


def need(implementation: Implementation, ability: str) -> None:
    """Skip the test where the implementation lacks an ability."""
    if ability in implementation.lacks:
        pytest.skip(implementation.lacks[ability])


async def end(echo: Server, line: Client) -> None:
    await line.close(1000, "")
    assert (await echo.closings.get())[0] == 1000


async def test_messages_of_all_sizes(
    pair: tuple[Implementation, Implementation], transport: Transport
) -> None:
    async with connected(pair, transport) as (echo, line):
        for size in SIZES:
            for message in (
                "x\u00e9\U0001f600"[: size % 3] + "a" * (size // 2),
                random.Random(size).randbytes(size),
            ):
                await line.send(message)
                assert await line.recv() == message
        await end(echo, line)


async def test_many_messages_in_flight(
    pair: tuple[Implementation, Implementation], transport: Transport
) -> None:
    if transport.server_tls is not None:
        for implementation in pair:
            need(implementation, "backlog over TLS")
    messages: list[str | bytes] = []
    for number in range(300):
        messages += [f"message {number}", b"message %d" % number * (number % 7)]
    async with connected(pair, transport) as (echo, line):
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(_send_all(line, messages))
            for message in messages:
                assert await line.recv() == message
        assert sending.done()
        await end(echo, line)


async def _send_all(line: Client, messages: list[str | bytes]) -> None:
    for message in messages:
        await line.send(message)


async def test_fragments_of_the_client(
    pair: tuple[Implementation, Implementation], transport: Transport
) -> None:
    need(pair[1], "fragments")
    async with connected(pair, transport) as (echo, line):
        for text in (["one"], ["one", "two"], ["", "middle", ""], ["a" * 70_000, "b" * 10, "c" * 200_000]):
            await line.send_fragments(text)
            assert await line.recv() == "".join(text)
            await line.send_fragments([part.encode() for part in text])
            assert await line.recv() == "".join(text).encode()
        await end(echo, line)


async def test_fragments_of_the_server(
    pair: tuple[Implementation, Implementation], transport: Transport
) -> None:
    need(pair[0], "fragments")
    async with connected(pair, transport) as (echo, line):
        await line.send("fragments")
        assert await line.recv() == "".join(FRAGMENTS)
        await end(echo, line)


async def test_pings_of_both(pair: tuple[Implementation, Implementation], transport: Transport) -> None:
    async with connected(pair, transport) as (echo, line):
        for payload in (b"", b"are you there", b"x" * 125):
            await line.ping(payload)
        await line.send("ping hello")
        assert await line.recv() == "pong hello"
        await end(echo, line)


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1001, "leaving"), (3000, "\u00fc" * 61), (4999, "x" * 123)]
)
async def test_the_client_closes(
    pair: tuple[Implementation, Implementation], transport: Transport, code: int, reason: str
) -> None:
    async with connected(pair, transport) as (echo, line):
        await line.send("last words")
        assert await line.recv() == "last words"
        await line.close(code, reason)
        assert await echo.closings.get() == (code, reason)


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1011, "it broke"), (3000, "\u00fc" * 61), (4999, "x" * 118)]
)
async def test_the_server_closes(
    pair: tuple[Implementation, Implementation], transport: Transport, code: int, reason: str
) -> None:
    async with connected(pair, transport) as (echo, line):
        await line.send(f"close {code} {reason}")
        assert await line.closed() == (code, reason)
        answer, _ = await echo.closings.get()
        assert answer in (code, 1000)  # most clients answer with the code that they got (section 5.5.1)


async def test_a_subprotocol_is_agreed_on(
    pair: tuple[Implementation, Implementation], transport: Transport
) -> None:
    async with connected(pair, transport, ["superchat"], ["chat", "superchat"]) as (echo, line):
        assert line.subprotocol == "superchat"
        await line.send("Hello")
        assert await line.recv() == "Hello"
        await end(echo, line)
