"""What a client is asked to do, and what it reports."""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

#: The message; the key that masks it is new each time.
MESSAGE = bytes(range(64))


@dataclass(slots=True)
class Job:
    """One client's task, and its tally.

    Attributes:
        uri: Of the server.
        connections: To open.
        messages: That came back, on all connections. The client counts here.
    """

    uri: str
    connections: int
    messages: int = 0


def run(talk: Callable[[Job], Awaitable[None]]) -> None:
    """Open the connections, measure, and print the result.

    Args:
        talk: Opens one connection, and returns when messages flow on it.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--warmup", type=float, required=True)
    parser.add_argument("--duration", type=float, required=True)
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], required=True)
    arguments = parser.parse_args()

    async def main() -> None:
        job = Job(f"ws://127.0.0.1:{arguments.port}/", arguments.connections)
        for _ in range(job.connections):
            await talk(job)
        await asyncio.sleep(arguments.warmup)
        began, before, count = time.monotonic(), os.times(), job.messages
        cpu = time.process_time_ns()
        await asyncio.sleep(arguments.duration)
        result = {
            "cpu_seconds": (time.process_time_ns() - cpu) / 1e9,
            "messages": job.messages - count,
            "seconds": time.monotonic() - began,
        }
        after = os.times()
        result |= {"user_seconds": after.user - before.user, "system_seconds": after.system - before.system}
        print(json.dumps(result), flush=True)
        # Whatever closing costs is not measured, and the server does not mind.
        os._exit(0)

    if arguments.loop == "uvloop":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
