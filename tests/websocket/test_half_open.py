"""Ten thousand handshakes that never end, byte by byte, and the one client that is served meanwhile."""

from __future__ import annotations

import asyncio
import gc
import resource
import statistics
import subprocess
import sys
import time

import pytest

from openline import ServerConnection, connect, serve

from .wire import port_of, until, uri_of

pytestmark = pytest.mark.engine

WANTED = 10_000
SPARE = 200
"""Descriptors for all else that the test run has open."""

OPEN_TIMEOUT = 10.0

# The peers live in another process: they need descriptors too, and must not take the server's time.
PEERS = """
import socket, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
peers = []
for _ in range(count):
    peer = socket.create_connection(("127.0.0.1", port))
    peer.sendall(b"G")
    peers.append(peer)
print("ready", flush=True)
rest = b"ET / HTTP/1.1\\r\\nHost: localhost\\r\\nX-Slow: " + b"x" * 1000
for byte in rest:
    for peer in peers[::10]:
        try:
            peer.send(bytes([byte]))
        except OSError:
            sys.exit()
    time.sleep(0.05)
"""


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def round_trips(uri: str, count: int) -> float:
    """Median time of an echo in seconds."""
    times = []
    async with connect(uri, compression=None) as ws:
        for _ in range(count):
            started = time.perf_counter()
            await ws.send("hello")
            await ws.recv()
            times.append(time.perf_counter() - started)
    return statistics.median(times)


@pytest.mark.timeout(90)
async def test_half_open_handshakes_do_not_slow_the_others(capfd: pytest.CaptureFixture[str]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(WANTED, hard - SPARE)
    try:
        async with serve(echo, "127.0.0.1", 0, open_timeout=OPEN_TIMEOUT, backlog=1000) as server:
            alone = await round_trips(uri_of(server), 300)
            tasks = len(asyncio.all_tasks())
            peers = await asyncio.create_subprocess_exec(
                sys.executable, "-c", PEERS, str(port_of(server)), str(count), stdout=subprocess.PIPE
            )
            assert peers.stdout is not None
            assert await peers.stdout.readline() == b"ready\n"
            held = len(server._openings)
            among_them = await round_trips(uri_of(server), 300)
            assert len(asyncio.all_tasks()) <= tasks
            # They came within OPEN_TIMEOUT, so that most of them were there all the time.
            assert held >= count * 0.9
            # Twice is what a busy machine does by itself; ten thousand tasks or timers would be far beyond.
            assert among_them < 2 * alone + 0.005
            await until(lambda: not server._openings)
            await peers.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        gc.collect()
    with capfd.disabled():
        print(
            f"\n{count} half-open handshakes: an echo takes {among_them * 1e6:.0f} µs, alone {alone * 1e6:.0f} µs"
        )
