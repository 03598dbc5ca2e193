"""The work ``inbox``: what it costs to send to one of many users who have much already, and to read what he has.

    python -m benchmarks.inbox [--users 100000] [--stored 100] [--operations 5000] [--file FILE] [--json FILE]

Every inbox holds so many notifications, in a SQLite file on this machine's disk, as sends have left it there: the log
of one user is made by `Inbox.send`, and copied for the others. Users are taken at random, so that nearly none is in
memory. CPU is all that the process uses for it, the writer's thread and the hub's publication included; each send waits
for the disk.
"""

import argparse
import asyncio
import contextlib
import json
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from openline.hub import Hub
from openline.hub.stores.sqlite import SQLiteStore
from openline.notifications import Inbox

DATA = {"title": "Your build is green", "text": "All 640 tests passed in 96 s", "url": "/builds/118"}
AT_ONCE = 64
"""Users who are served at a time, as under load. One at a time costs more: each waits for a commit of its own."""


def user(number: int) -> str:
    """The name of a user."""
    return f"user{number:07}"


async def make_one(path: Path, stored: int) -> None:
    """Fill the inbox of the first user."""
    async with opened(path) as inbox:
        for number in range(stored):
            await inbox.send(user(0), DATA, topic="builds", id=f"build-{number}")


def copy(path: Path, users: int) -> None:
    """Give all others the same log."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = off")
        file.execute("BEGIN")
        ((last, length),) = file.execute("SELECT last, length FROM logs WHERE id = 1")
        file.executemany(
            "INSERT INTO logs (id, name, last, length) VALUES (?, ?, ?, ?)",
            ((number + 1, f"inbox:{user(number)}", last, length) for number in range(1, users)),
        )
        entries = file.execute("SELECT number, data FROM entries WHERE log = 1 ORDER BY number").fetchall()
        file.executemany(
            "INSERT INTO entries (log, number, data) VALUES (?, ?, ?)",
            ((log, number, data) for log in range(2, users + 1) for number, data in entries),
        )
        file.execute("COMMIT")
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextlib.asynccontextmanager
async def opened(path: Path) -> Any:
    """An inbox in this file, on a hub of one node."""
    hub = Hub(insecure=True)
    inbox = Inbox(hub, SQLiteStore(str(path)))
    async with hub:
        try:
            yield inbox
        finally:
            await inbox.store.close()


async def measure(
    act: Callable[[int], Awaitable[object]], operations: int, users: int, at_once: int
) -> dict[str, float]:
    """Do something for users at random; what one costs."""
    numbers = iter(random.Random(operations + at_once).choices(range(users), k=operations))

    async def work() -> None:
        for number in numbers:
            await act(number)

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu_us": cpu / operations * 1e6, "rate": operations / wall}


async def run(path: Path, users: int, stored: int, operations: int) -> dict[str, dict[str, float]]:
    """All that is measured, by name."""
    results: dict[str, dict[str, float]] = {}
    async with opened(path) as inbox:
        page = await inbox.list(user(users - 1), limit=stored)
        assert (len(page.items), page.unread) == (stored, stored), "a copy is not what was sent"
        sent = iter(range(10**9))

        async def send(number: int) -> None:
            receipt = await inbox.send(user(number), DATA, topic="builds", id=f"new-{next(sent)}")
            assert receipt.verdict == "done"

        async def read(number: int) -> None:
            assert len((await inbox.list(user(number), limit=50)).items) == min(50, stored)

        async def mark(number: int) -> None:
            await inbox.mark(user(number), [f"build-{stored - 1}"])

        for name, act in (("read", read), ("append", send), ("mark read", mark)):
            await measure(act, operations // 10, users, AT_ONCE)
            results[name] = await measure(act, operations, users, AT_ONCE)
            results[f"{name}, one at a time"] = await measure(act, operations // 5, users, 1)
    return results


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--stored", type=int, default=100, help="in each inbox; at most 200")
    parser.add_argument("--operations", type=int, default=5000)
    parser.add_argument(
        "--file", type=Path, help="keep the filled file here, and take it where it is there already"
    )
    parser.add_argument("--fill", action="store_true", help="only fill it")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or Path(folder) / "inbox.db"
        if not path.exists():
            began = time.perf_counter()
            asyncio.run(make_one(path, arguments.stored))
            copy(path, arguments.users)
            print(f"filled in {time.perf_counter() - began:.0f} s")
        size = path.stat().st_size / 1e9
        print(f"{arguments.users:,} users with {arguments.stored} stored each: {size:.2f} GB", flush=True)
        if arguments.fill:
            return
        results = asyncio.run(run(path, arguments.users, arguments.stored, arguments.operations))
    for name, result in results.items():
        print(f"{name:28} {result['cpu_us']:7.0f} µs of CPU   {result['rate']:8,.0f} a second")
    print(f"largest in memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if arguments.json is not None:
        of = {"users": arguments.users, "stored": arguments.stored, "at_once": AT_ONCE}
        arguments.json.write_text(json.dumps({**of, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
