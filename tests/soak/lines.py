"""The engine under clients: connections that come, talk and go, round after round."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from asyncio.subprocess import PIPE, Process
from typing import Any

from .clients import Round
from .footprint import Left, check, footprint

ROUND = 8.0  # seconds of traffic between two measurements
WARM_UP = 2  # rounds in which memory may still grow: pools, caches, the allocator's arenas
BOUND = 8 * 2**20  # bytes that a process may hold more, after any later round, than after the warm-up


async def ask(server: Process, question: bytes = b"?\n") -> dict[str, Any]:
    """What the server holds."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(question)
    await server.stdin.drain()
    return json.loads(await server.stdout.readline())


async def soak_lines(seconds: float, round_seconds: float = ROUND) -> None:
    """Run rounds until the time is over, but always one after the warm-up.

    Raises:
        Left: a round left something behind.
        ExceptionGroup: a client lost something.
    """
    seed = random.SystemRandom().randrange(2**32)
    print(f"lines: seed {seed}", flush=True)
    chance = random.Random(seed)
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.soak.server", stdin=PIPE, stdout=PIPE
    )
    try:
        assert server.stdout is not None
        port = json.loads(await server.stdout.readline())["port"]
        idle = await ask(server)
        first: dict[str, dict[str, Any]] = {}
        end = time.monotonic() + seconds
        number = 0
        while number <= WARM_UP or time.monotonic() < end:
            done = await Round(port, chance).run(round_seconds)
            held = {"server": await ask(server), "clients": footprint()._asdict()}
            did = ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
            memory = ", ".join(f"{name} {one['memory'] / 2**20:.1f} MiB" for name, one in held.items())
            print(f"lines, round {number}: {memory}; {did}", flush=True)
            for what in ("connections", "room", "tasks", "descriptors"):
                if held["server"][what] > idle[what]:
                    raise Left(
                        f"the server still holds {held['server'][what]} {what}, {idle[what]} when idle"
                    )
            if number < WARM_UP:
                first = held
            else:
                for name, one in held.items():
                    check(name, one, first[name], BOUND)
            number += 1
    finally:
        if server.returncode is None:
            server.kill()
        await server.communicate()
    print(f"lines: {number} rounds: nothing lost, nothing left")
