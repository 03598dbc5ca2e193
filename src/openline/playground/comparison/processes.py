"""The parent's side of a child process: orders, reports, and the certain end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

PATIENCE = 20.0  # seconds in which a child must have started, or have answered
MAX_REPORT = 2**16  # bytes of a line
ENDING = 2.0  # seconds from the end of its input to being killed


class ChildFailed(Exception):
    """A child process did not start, does not answer, or has ended by itself."""


class Child:
    """A child process in a session of its own, which ends when its input does: with `end`, or with this process.

    Attributes:
        started: What it said when it had begun.
        pid: Its process id.
    """

    def __init__(self, process: asyncio.subprocess.Process, role: str) -> None:
        self.started: dict[str, Any] = {}
        self.pid = process.pid
        self._process = process
        self._role = role

    @classmethod
    async def start(cls, role: str, arguments: dict[str, Any], descriptors: Sequence[int] = ()) -> Self:
        """Start a role, and wait until it has begun.

        Args:
            role: See `openline.playground.comparison.child`.
            arguments: Of the role.
            descriptors: That it inherits, under the same numbers.

        Raises:
            ChildFailed: It has not begun.

        Cancel: ends the child.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "openline.playground.comparison.child",
            role,
            json.dumps(arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C is for this process, which then ends it
            limit=MAX_REPORT,
        )
        child = cls(process, role)
        try:
            child.started = await child._hear()
        except BaseException:
            await child.end()
            raise
        return child

    async def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Give an order, and return the answer. One at a time.

        Raises:
            ChildFailed: There is none.

        Cancel: the child is of no use any more, since the answer would be taken for the next one's.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise ChildFailed(f"the {self._role} has ended") from error
        return await self._hear()

    async def end(self) -> None:
        """End it, if need be by SIGKILL, and wait for its end. Idempotent.

        Cancel: it is killed at once.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(ENDING):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()

    async def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                line = await self._process.stdout.readline()
        except (TimeoutError, ValueError) as error:  # ValueError: a line that is too long
            raise ChildFailed(f"the {self._role} does not answer") from error
        if not line.endswith(b"\n"):
            raise ChildFailed(f"the {self._role} has ended")
        return json.loads(line)
