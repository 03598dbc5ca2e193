"""The interactive prompt: lines with history, and commands that begin with a slash."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.input import Input
from prompt_toolkit.patch_stdout import patch_stdout

from openline.cli.client.history import open_history
from openline.cli.client.lines import Unsendable
from openline.exceptions import ConnectionClosed, ProtocolError

if TYPE_CHECKING:
    from openline.cli.client.conversation import Conversation

# Lines typed while earlier ones wait for the peer to read.
MAX_UNSENT_LINES = 100

_HELP = """\
/ping                  measure the round trip
/hex 68 69             send a binary message
/close [CODE [REASON]] close the connection (1000 where no code is given)
/help                  show this
//text                 send a message that begins with a slash
Ctrl-D closes and leaves; the arrow keys and Ctrl-R search what you sent before."""


class Prompt:
    """Reads what a person types, while what the peer sends is printed above.

    Args:
        conversation: Where the messages go.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._display = conversation.display
        # Apart from the prompt: while the peer does not read, one can still type, and leave.
        self._lines: asyncio.Queue[str] = asyncio.Queue(MAX_UNSENT_LINES)
        self._commands = {"ping": self._ping, "hex": self._hex, "close": self._close, "help": self._help}

    async def talk(self) -> None:
        """Read and send until the person ends it; cancelled when the peer does."""
        self._display.remark("/help lists the commands, Ctrl-D ends")
        session: PromptSession[str] = PromptSession(history=open_history(), enable_open_in_editor=False)
        _stay_raw(session.input)
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self._send_lines())
            with patch_stdout(raw=True), session.input.raw_mode():
                await self._read_lines(session)
            await self._lines.join()
            sending.cancel()

    async def _read_lines(self, session: PromptSession[str]) -> None:
        while True:
            try:
                line = await session.prompt_async("> ")
            except (EOFError, KeyboardInterrupt):
                return
            if self._lines.full():
                self._display.error("not sent: the peer does not read what was sent before")
            elif line:
                self._lines.put_nowait(line)

    async def _send_lines(self) -> None:
        while True:
            line = await self._lines.get()
            try:
                await self._handle(line)
            except Unsendable as error:
                self._display.error(str(error))
            except ConnectionClosed:
                return
            finally:
                self._lines.task_done()

    async def _handle(self, line: str) -> None:
        if line.startswith("//"):
            await self._conversation.send(line[1:])
        elif line.startswith("/"):
            name, _, rest = line[1:].partition(" ")
            command = self._commands.get(name)
            if command is None:
                raise Unsendable(f"there is no command /{name}; /help lists them, // sends a slash")
            await command(rest.strip())
        else:
            await self._conversation.send(line)

    async def _ping(self, _rest: str) -> None:
        # Not awaited: a peer that does not answer must not block the prompt.
        self._pinging = asyncio.create_task(self._conversation.ping())

    async def _hex(self, rest: str) -> None:
        try:
            data = bytes.fromhex(rest)
        except ValueError:
            raise Unsendable("/hex takes pairs of hex digits, such as /hex 68 69") from None
        await self._conversation.ws.send(data)

    async def _close(self, rest: str) -> None:
        code, _, reason = rest.partition(" ")
        if code and not code.isdecimal():
            raise Unsendable("/close takes a close code and a reason, such as /close 4000 see you")
        try:
            await self._conversation.ws.close(int(code or 1000), reason.strip())
        except ProtocolError as error:
            raise Unsendable(str(error)) from None

    async def _help(self, _rest: str) -> None:
        self._display.remark(_HELP)


def _stay_raw(terminal: Input) -> None:
    """Keep the terminal raw while something is printed above the prompt, too.

    prompt_toolkit makes it cooked for that time, and a cooked terminal swallows a Ctrl-D that is typed just then.
    """
    object.__setattr__(terminal, "cooked_mode", nullcontext)
