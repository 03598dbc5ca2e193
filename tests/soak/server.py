"""The process under test: it says its port, and after each line of its input what it holds, as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading

from openline import ConnectionClosed, ServerConnection, broadcast, serve

from .footprint import footprint

SETTLING = 10.0  # seconds in which the connections of a round have ended

room: set[ServerConnection] = set()


async def echo(ws: ServerConnection) -> None:
    """Send back what comes."""
    async for message in ws:
        await ws.send(message)


async def talk(ws: ServerConnection) -> None:
    """Send what anyone in the room says to all of them."""
    room.add(ws)
    try:
        await ws.send("here")
        async for message in ws:
            broadcast(room, message)
    finally:
        room.discard(ws)


async def flood(ws: ServerConnection) -> None:
    """Send numbered messages, as fast as the reader takes them."""
    number = 0
    while True:
        await ws.send(f"{number} {'x' * (number * 37 % 3000)}")
        number += 1
        # `send` does not wait while the reader keeps up; the others want to be served, too.
        await asyncio.sleep(0)


PATHS = {"/echo": echo, "/room": talk, "/flood": flood}


async def handle(ws: ServerConnection) -> None:
    """Do what the path says, until the peer goes."""
    assert ws.request is not None
    with contextlib.suppress(ConnectionClosed):
        await PATHS[ws.request.path](ws)


async def main() -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read_input() -> None:
        while line := sys.stdin.readline():
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read_input, daemon=True).start()
    async with serve(handle, "127.0.0.1", 0, ping_interval=1, ping_timeout=20, open_timeout=5) as server:
        print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
        while await lines.get():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLING):
                    while server.connections or len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - no event says it
                        await asyncio.sleep(0.05)
            left = {"connections": len(server.connections), "room": len(room)}
            print(json.dumps(footprint()._asdict() | left), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
