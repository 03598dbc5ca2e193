"""What a process holds: memory, descriptors, tasks."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Any, NamedTuple


class Left(AssertionError):
    """Something was left behind."""


class Footprint(NamedTuple):
    """What a process holds once its garbage is collected."""

    memory: int  # bytes resident
    descriptors: int
    tasks: int


def footprint() -> Footprint:
    """Measure this process, in its loop; Linux only."""
    gc.collect()
    with open("/proc/self/statm") as statm:
        resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return Footprint(resident, len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks()))


def of_process(pid: int) -> dict[str, Any]:
    """Measure another process, children included: memory, descriptors and the number of processes."""
    memory = descriptors = processes = 0
    left = [pid]
    while left:
        process = left.pop()
        with open(f"/proc/{process}/statm") as statm:
            memory += int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        descriptors += len(os.listdir(f"/proc/{process}/fd"))
        processes += 1
        with open(f"/proc/{process}/task/{process}/children") as children:
            left += [int(child) for child in children.read().split()]
    return {"memory": memory, "descriptors": descriptors, "processes": processes}


def check(name: str, now: dict[str, Any], first: dict[str, Any], bound: int) -> None:
    """Hold a process against its own footprint after the warm-up.

    Args:
        name: What it is.
        now: Its footprint.
        first: That after the warm-up.
        bound: Bytes by which its memory may have grown.

    Raises:
        Left: it has grown.
    """
    for what in now.keys() - {"memory"}:
        if now[what] > first[what]:
            raise Left(f"the {name} held {first[what]} {what} after the warm-up and now holds {now[what]}")
    if now["memory"] > first["memory"] + bound:
        grown = (now["memory"] - first["memory"]) / 2**20
        raise Left(f"the {name}'s memory has grown by {grown:.1f} MiB; {bound / 2**20:.0f} are allowed")
