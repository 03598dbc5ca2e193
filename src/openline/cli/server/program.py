"""A program for each connection: its input lines are the messages, its output lines are the answers.

The two end together. When the connection closes, the program's input ends; if it does not end then, it is
terminated, and at last killed, with whatever it has started. When the program ends, the connection is closed: with 1000
after exit code 0, with 1011 after another.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, cast

from openline.cli.server.access_log import tcp_address
from openline.cli.server.exits import describe_exit
from openline.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from openline import ServerConnection

# Longest line of output, in bytes; a longer one ends the program.
LINE_LIMIT = 2**20

# Seconds that a program has to end by itself, and then again after it was asked to.
GRACE = 2.0

_WINDOWS = os.name == "nt"


class ProgramRunner:
    """Runs one program for each connection.

    Args:
        command: Program and arguments.
        limit: Programs at a time.
    """

    def __init__(self, command: tuple[str, ...], limit: int) -> None:
        self._command = command
        self._limit = limit
        self._running = 0

    @property
    def full(self) -> bool:
        """Whether as many programs run as may."""
        return self._running >= self._limit

    async def __call__(self, ws: ServerConnection) -> None:
        if self.full:
            # Between the handshake, which looked at `full`, and now, others came.
            await ws.close(1013, "too many programs are running")
            return
        self._running += 1
        try:
            await self._serve(ws)
        finally:
            self._running -= 1

    async def _serve(self, ws: ServerConnection) -> None:
        try:
            program = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_LIMIT,
                env=os.environ | _description(ws),
                start_new_session=not _WINDOWS,
            )
        except OSError as error:
            await ws.close(1011, f"the program did not start: {error.strerror}")
            return
        feeding = asyncio.create_task(_feed(ws, program))
        answering = asyncio.create_task(_answer(ws, program))
        try:
            await asyncio.wait({feeding, answering}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                await self._close(ws, program, answering.result())
        finally:
            feeding.cancel()
            await _end(program)
            answering.cancel()
            await asyncio.gather(feeding, answering, return_exceptions=True)

    async def _close(
        self, ws: ServerConnection, program: asyncio.subprocess.Process, complaint: str | None
    ) -> None:
        if complaint is not None:
            await ws.close(1011, complaint)
            return
        try:
            status = await asyncio.wait_for(program.wait(), GRACE)
        except TimeoutError:
            await ws.close(1011, "the program closed its output")
            return
        if status == 0:
            await ws.close()
        else:
            await ws.close(1011, f"the program ended with {describe_exit(status)}")


async def _feed(ws: ServerConnection, program: asyncio.subprocess.Process) -> None:
    stdin = cast("asyncio.StreamWriter", program.stdin)
    try:
        async for message in ws:
            stdin.write((message.encode() if isinstance(message, str) else message) + b"\n")
            await stdin.drain()
    except ConnectionClosed:
        pass
    except (BrokenPipeError, ConnectionResetError):
        # The program reads no more, but may well write on.
        await ws.wait_closed()
    finally:
        stdin.close()


async def _answer(ws: ServerConnection, program: asyncio.subprocess.Process) -> str | None:
    stdout = cast("asyncio.StreamReader", program.stdout)
    while True:
        try:
            line = await stdout.readline()
        except ValueError:
            return f"the program wrote a line of more than {LINE_LIMIT} bytes"
        if not line:
            return None
        try:
            text = line.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            return "the program wrote what is not UTF-8"
        try:
            await ws.send(text)
        except ConnectionClosed:
            return None


async def _end(program: asyncio.subprocess.Process) -> None:
    cast("asyncio.StreamWriter", program.stdin).close()
    for ask in (None, signal.SIGTERM, signal.SIGTERM if _WINDOWS else signal.SIGKILL):
        if ask is not None:
            _signal(program, ask)
        try:
            await asyncio.wait_for(program.wait(), GRACE)
        except TimeoutError:
            continue
        break
    if not _WINDOWS:
        # What the program itself has started and left behind.
        _signal(program, signal.SIGKILL)


def _signal(program: asyncio.subprocess.Process, number: signal.Signals) -> None:
    try:
        if _WINDOWS:
            program.send_signal(number)
        else:
            os.killpg(program.pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # it has ended


def _description(ws: ServerConnection) -> dict[str, str]:
    """Describe the connection in the environment, by the names that CGI gave them (RFC 3875 section 4.1)."""
    address = tcp_address(ws.remote_address)
    described: dict[str, str] = {}
    if address is not None:
        described |= {"REMOTE_ADDR": address[0], "REMOTE_PORT": str(address[1])}
    if ws.request is not None:
        path, _, query = ws.request.path.partition("?")
        described |= {"PATH_INFO": path, "QUERY_STRING": query}
    return described
