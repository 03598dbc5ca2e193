"""A worker of ``openline serve --workers``: serves on the shared port until its supervisor says so or is gone.

The standard input is a socket to the supervisor. It sends the options as one JSON line and then nothing; the worker
answers with one line, ``ready`` or why it cannot start. The socket's end means that the supervisor has died.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys

from openline.cli.server.options import ServeOptions, StartFailed
from openline.cli.server.run import log_to_stderr, serve_until
from openline.cli.signals import on_signals

READY = "ready"


async def _work() -> None:
    loop = asyncio.get_running_loop()
    line = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    reader, writer = await asyncio.open_connection(sock=line)
    options = ServeOptions.from_json(json.loads(await reader.readline()))
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
        await serve_until(stop, options, lambda _addresses: say(READY), reuse_port=True)
    except StartFailed as error:
        say(str(error))
        await writer.drain()
        sys.exit(1)
    finally:
        watching.cancel()
        writer.close()


if __name__ == "__main__":
    log_to_stderr()
    asyncio.run(_work())
