"""What several processes on one port do, and how each hears of it from the supervisor.

A worker's standard input is a socket to the supervisor. It sends the options as one JSON line and then nothing; the
worker answers with one line, ``ready`` or why it cannot start. The socket's end means that the supervisor has died.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from openline.cli.server.options import StartFailed
from openline.cli.signals import on_signals

READY = "ready"


@dataclass(frozen=True, slots=True)
class Work:
    """What the workers do.

    Attributes:
        module: What each runs; see `openline.cli.server.worker`.
        host: Where they listen.
        port: The port; 0: a free one.
        options: Returns what each is told, in JSON, for a port.
        announce: Called with the addresses when all of them serve.
        grace: Seconds that a worker may take to end before it is killed.
        reload: Whether SIGHUP is handed on to them.
    """

    module: str
    host: str
    port: int
    options: Callable[[int], dict[str, Any]]
    announce: Callable[[list[Any]], None]
    grace: float
    reload: bool = False


async def work(
    serve: Callable[[asyncio.Event, dict[str, Any], Callable[[list[Any]], None]], Awaitable[None]],
) -> None:
    """Be a worker.

    Args:
        serve: Called with the event that ends it, the options, and what to call with the addresses once it listens.
    """
    loop = asyncio.get_running_loop()
    line = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    reader, writer = await asyncio.open_connection(sock=line)
    options = json.loads(await reader.readline())
    stop = asyncio.Event()
    on_signals(stop.set)
    # Ctrl-C reaches the whole group of processes; the supervisor turns it into one SIGTERM for each of us.
    loop.remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def say(text: str) -> None:
        writer.write(f"{text}\n".encode())

    async def outlive_nobody() -> None:
        await reader.read()
        stop.set()

    watching = asyncio.create_task(outlive_nobody())
    try:
        await serve(stop, options, lambda _addresses: say(READY))
    except StartFailed as error:
        say(str(error))
        await writer.drain()
        sys.exit(1)
    finally:
        watching.cancel()
        writer.close()
