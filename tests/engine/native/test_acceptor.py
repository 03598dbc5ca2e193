"""A listening socket in the reactor, and what happens when descriptors run out."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import resource
import socket
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from openline.engine.native.acceptor import Acceptor
from openline.engine.native.engine import NativeEngine
from tests.engine.native.bare import Bare, frame, turns_until

pytestmark = [pytest.mark.native, pytest.mark.timeout(20)]


@contextlib.asynccontextmanager
async def listening(
    factory: Callable[[], Any] | None = None, **arguments: Any
) -> AsyncIterator[tuple[Acceptor, tuple[str, int], list[Any]]]:
    """An acceptor, its address, and the lines that it made."""
    lines: list[Any] = []

    def make() -> Any:
        line = (factory or Bare)()
        lines.append(line)
        return line

    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    acceptor = await NativeEngine(asyncio.get_running_loop()).listen(sock, make, **arguments)
    try:
        yield acceptor, sock.getsockname(), lines
    finally:
        acceptor.close()
        for line in lines:
            line.abort()
        await turns_until(lambda: all(line.noted("lost") or not line.noted("made") for line in lines))
        await asyncio.sleep(0)


def dial(address: tuple[str, int]) -> socket.socket:
    peer = socket.create_connection(address)
    peer.setblocking(False)
    return peer


async def made(lines: list[Any], count: int) -> None:
    await turns_until(lambda: sum(bool(line.noted("made")) for line in lines) >= count)


async def test_connections_become_lines_that_are_open_before_their_first_byte() -> None:
    async with listening() as (_, address, lines):
        with dial(address) as peer, dial(address) as other:
            other.send(frame("second"))
            peer.send(frame("first"))
            await made(lines, 2)
            assert {await line.recv() for line in lines} == {"first", "second"}
            for line in lines:
                assert line.log[0] == ("made",)
                fd = line.get_extra_info("socket").fileno()
                assert not os.get_blocking(fd)
                assert not os.get_inheritable(fd)
                with socket.socket(fileno=os.dup(fd)) as copy:
                    assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_rush_of_connections_leaves_room_for_the_others_of_the_loop() -> None:
    """At most 64 in one callback."""
    async with listening(backlog=200) as (_, address, lines):
        with contextlib.ExitStack() as stack:
            for _ in range(150):
                stack.enter_context(dial(address))
            steps = [0]
            while len(lines) < 150:
                await asyncio.sleep(0)
                steps.append(len(lines))
            assert max(after - before for before, after in itertools.pairwise(steps)) <= 64


async def test_close_stops_at_once_and_leaves_the_connections() -> None:
    async with listening() as (acceptor, address, lines):
        with dial(address) as peer:
            await made(lines, 1)
            acceptor.close()
            acceptor.close()
            await asyncio.sleep(0)
            with pytest.raises(ConnectionRefusedError):
                dial(address)
            peer.send(frame("still here"))
            assert await lines[0].recv() == "still here"


async def test_close_in_the_middle_of_a_rush() -> None:
    """The callback of one connection closes the acceptor; those behind it in the backlog are not accepted."""
    acceptors: list[Acceptor] = []

    class Closing(Bare):
        def _connection_made(self) -> None:
            super()._connection_made()
            acceptors[0].close()

    async with listening(Closing) as (acceptor, address, lines):
        acceptors.append(acceptor)
        with dial(address), dial(address), dial(address):
            await made(lines, 1)
            for _ in range(5):
                await asyncio.sleep(0)
            assert len(lines) == 1


async def test_a_factory_that_raises_loses_its_connection_and_no_other() -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: reported.append(context["exception"])
    )
    failures = [LookupError("first")]

    def factory() -> Any:
        if failures:
            raise failures.pop()
        return Bare()

    lines: list[Any] = []
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    acceptor = await NativeEngine(asyncio.get_running_loop()).listen(
        sock, lambda: lines.append(line := factory()) or line
    )
    with dial(sock.getsockname()) as first, dial(sock.getsockname()) as second:
        await turns_until(lambda: bool(lines))
        assert [type(error) for error in reported] == [LookupError]
        assert await asyncio.get_running_loop().sock_recv(first, 1) == b""
        second.send(frame("hello"))
        assert await lines[0].recv() == "hello"
    acceptor.close()
    lines[0].abort()
    await lines[0].until("lost")


async def test_an_error_while_a_connection_is_introduced_ends_it_alone() -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: reported.append(context["exception"])
    )

    class Broken(Bare):
        count = 0

        def _connection_made(self) -> None:
            super()._connection_made()
            Broken.count += 1
            if Broken.count == 1:
                raise LookupError("a bug")

    async with listening(Broken) as (_, address, lines):
        with dial(address) as first, dial(address) as second:
            await made(lines, 2)
            assert await asyncio.get_running_loop().sock_recv(first, 1) == b""
            second.send(frame("hello"))
            assert await lines[1].recv() == "hello"
            assert [type(error) for error in reported] == [LookupError]


# -- TLS


async def test_close_ends_the_connections_that_are_still_greeting(server_tls: ssl.SSLContext) -> None:
    async with listening(ssl=server_tls) as (acceptor, address, lines):
        with dial(address) as peer:
            await turns_until(lambda: bool(lines))
            acceptor.close()
            assert await asyncio.get_running_loop().sock_recv(peer, 1) == b""
            assert not lines[0].noted("made")


async def test_a_greeting_that_never_ends_is_ended_in_time(
    server_tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "openline.server")
    async with listening(ssl=server_tls, ssl_handshake_timeout=0.05) as (_, address, lines):
        with dial(address) as peer:
            peer.send(b"\x16\x03")
            start = time.monotonic()
            assert await asyncio.get_running_loop().sock_recv(peer, 1) == b""
            assert time.monotonic() - start >= 0.04
            assert not lines[0].noted("made")
    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_a_peer_that_does_not_speak_tls_is_one_line_at_info(
    server_tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "openline.server")
    async with listening(ssl=server_tls) as (_, address, lines):
        with dial(address) as peer:
            peer.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while await asyncio.get_running_loop().sock_recv(peer, 100):
                    pass  # an alert
            assert not lines[0].noted("made")
    assert ["TLS handshake failed" in record.getMessage() for record in caplog.records] == [True]


# -- out of descriptors


OUT_OF_DESCRIPTORS = """
    import asyncio, logging, os, resource, socket, sys, time
    from tests.engine.native.bare import Bare, frame
    from openline.engine.native.engine import NativeEngine

    records = []

    class Keep(logging.Handler):
        def emit(self, record):
            records.append(record.getMessage())

    logging.getLogger("openline.server").addHandler(Keep())

    async def main():
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        lines = []

        def factory():
            lines.append(Bare())
            return lines[-1]

        acceptor = await NativeEngine(asyncio.get_running_loop()).listen(sock, factory)
        peers = []
        for _ in range(5):
            peers.append(socket.create_connection(sock.getsockname()))
        await asyncio.sleep(0.05)
        assert len(lines) == 5, lines
        waiting = [socket.create_connection(sock.getsockname()) for _ in range(3)]
        fillers = []
        try:
            while True:
                fillers.append(os.dup(0))
        except OSError:
            pass
        before = time.process_time()
        await asyncio.sleep(0.7)  # accepting is tried again three times
        assert time.process_time() - before < 0.3, "it spins"
        assert len(lines) == 5, lines
        assert len(records) == 1, records
        peers[0].send(frame("the others are served"))
        assert await lines[0].recv() == "the others are served"
        for fd in fillers:
            os.close(fd)
        for line in range(5, 8):
            while len(lines) <= line:
                await asyncio.sleep(0.01)
        waiting[0].send(frame("accepted after all"))
        assert "accepted after all" == await asyncio.wait_for(lines[5].recv(), 5)
        assert len(records) == 2, records
        for line in lines:
            line.abort()
        acceptor.close()
        acceptor.close()
        await asyncio.sleep(0)

    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    asyncio.run(main())
    print("\\n".join(records))
"""


def test_out_of_descriptors_accepting_pauses_says_so_once_and_resumes() -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 64
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(OUT_OF_DESCRIPTORS)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=15,
    )
    assert ended.returncode == 0, ended.stderr
    paused, resumed = ended.stdout.splitlines()
    assert "Too many open files" in paused
    assert "again" in resumed
