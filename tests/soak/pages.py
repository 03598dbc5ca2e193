"""The playground under visitors: bots on its pages, round after round, with lines that are cut."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from asyncio.subprocess import PIPE

from openline.testing.waiting import until

from .footprint import check, of_process
from .guest import request
from .visits import Visits

ROUND = 20.0  # seconds of traffic between two measurements
WARM_UP = 2  # rounds in which memory may still grow: histories fill, caches, the allocator's arenas
BOUND = 12 * 2**20  # bytes that the playground may hold more, after any later round, than after the warm-up
REST = 3.0  # seconds after a round, in which what visitors left ends ...
MORE = 4  # descriptors that the playground may open once, for good: threads that wake its loop, for instance
LONGEST_REST = 20.0  # ... and in which the last descriptor must be closed


async def soak_pages(seconds: float, round_seconds: float = ROUND) -> None:
    """Run rounds until the time is over, but always one after the warm-up.

    Raises:
        Left: a round left something behind.
        ExceptionGroup: a visitor lost something.
    """
    seed = random.SystemRandom().randrange(2**32)
    print(f"pages: seed {seed}", flush=True)
    chance = random.Random(seed)
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openline", "demo", "--port", "0", stdout=PIPE
    )
    try:
        assert demo.stdout is not None
        said = (await demo.stdout.readline()).decode()
        address = next(word for word in said.split() if word.startswith("http://"))[7:].rstrip("/")
        await request(address, "/health")
        descriptors = of_process(demo.pid)["descriptors"] + MORE
        first = None
        end = time.monotonic() + seconds
        number = 0
        while number <= WARM_UP or time.monotonic() < end:
            done = await Visits(address, chance).run(round_seconds)
            await asyncio.sleep(REST)
            assert (await request(address, "/health")).startswith("HTTP/1.1 200")
            most = descriptors if first is None else first["descriptors"]

            async def is_at_rest(most: int = most) -> bool:
                return of_process(demo.pid)["descriptors"] <= most

            await until(is_at_rest, f"no more than {most} descriptors are open", LONGEST_REST)
            held = of_process(demo.pid)
            did = ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
            print(f"pages, round {number}: {held['memory'] / 2**20:.1f} MiB; {did}", flush=True)
            if number < WARM_UP:
                first = held
            else:
                assert first is not None
                check("playground", held, first, BOUND)
            number += 1
    finally:
        if demo.returncode is None:
            demo.terminate()
        await demo.communicate()
    assert demo.returncode == 0, f"the playground ended with {demo.returncode}"
    print(f"pages: {number} rounds: nothing lost, nothing left")
