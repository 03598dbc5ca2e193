"""A child process: does what its parent orders, reports when it is asked, and ends when its parent does.

``python -m openline.playground.comparison.child ROLE ARGUMENTS``, where the arguments are a JSON object. Orders come on
standard input, reports go to standard output, a JSON object a line each. Standard input ends with the parent, however
that ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

Report = dict[str, Any]
Order = dict[str, Any]

ROLES = {"server": "serving", "meter": "meter", "crowd": "crowd"}


class Role(Protocol):
    """What a child process is there for."""

    async def start(self) -> Report:
        """Begin; what is returned tells the parent that it has begun."""
        ...

    async def obey(self, order: Order) -> Report | None:
        """Do what the parent wants; what is returned is the answer. None: it wants none."""
        ...


def main(role: str, arguments: str) -> None:
    """Run a role until the parent ends."""
    module = import_module(f"openline.playground.comparison.{ROLES[role]}")
    made: Role = module.make(**json.loads(arguments))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_run(made))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory where it is installed, as uvicorn would use it; None: asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(role: Role) -> None:
    orders: asyncio.Queue[Order] = asyncio.Queue()  # bounded by the parent, which waits for each answer
    loop = asyncio.get_running_loop()
    threading.Thread(target=_read, args=(loop, orders), daemon=True).start()
    _tell(await role.start())
    while True:
        answer = await role.obey(await orders.get())
        if answer is not None:
            _tell(answer)


def _read(loop: asyncio.AbstractEventLoop, orders: asyncio.Queue[Order]) -> None:
    """Hand on what comes; in a thread, so that the end is heard however busy the loop is."""
    for line in sys.stdin:
        loop.call_soon_threadsafe(orders.put_nowait, json.loads(line))
    os._exit(0)


def _tell(report: Report) -> None:
    sys.stdout.write(json.dumps(report, separators=(",", ":")) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
