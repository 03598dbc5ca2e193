"""What the command line decided, in a form that can be handed to a worker process."""

from __future__ import annotations

import enum
import os
import shlex
import shutil
from dataclasses import asdict, dataclass
from typing import Any, Self


class Mode(enum.Enum):
    """What happens to messages."""

    ECHO = "echo"
    BROADCAST = "broadcast"
    EXEC = "exec"


class StartFailed(Exception):
    """The server cannot start; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options of ``openline serve``; each is explained in its ``--help``.

    Args:
        command: Program and arguments for `Mode.EXEC`.
        origins: Origins that may connect; empty: the pages of this server; ``any`` among them: all.
        max_size: Bytes; None: no limit.
        ping_interval: Seconds; None: no pings.
    """

    mode: Mode = Mode.ECHO
    command: tuple[str, ...] = ()
    max_programs: int = 64
    directory: str | None = None
    host: str = "127.0.0.1"
    port: int = 8765
    unix: str | None = None
    origins: tuple[str, ...] = ()
    subprotocols: tuple[str, ...] = ()
    certfile: str | None = None
    keyfile: str | None = None
    max_size: int | None = 2**20
    ping_interval: float | None = 20
    compress: bool = True
    access_log: bool = False
    quiet: bool = False

    @property
    def secure(self) -> bool:
        return self.certfile is not None

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` understands, for the way to a worker."""
        return asdict(self) | {"mode": self.mode.value}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the options that `to_json` described."""
        tuples = {name: tuple(values[name]) for name in ("command", "origins", "subprotocols")}
        changed: dict[str, Any] = values | tuples | {"mode": Mode(values["mode"])}
        return cls(**changed)


def parse_command(command: str | None) -> tuple[str, ...]:
    """Split a command line as a shell would, without ever giving it to one.

    Raises:
        StartFailed: there is no such program, or a quote is not closed.
    """
    if command is None:
        return ()
    try:
        # Windows' paths contain backslashes, which the rules of a POSIX shell would eat.
        words = shlex.split(command, posix=os.name == "posix")
    except ValueError as error:
        raise StartFailed(f"--exec {command!r}: {error}") from None
    if not words:
        raise StartFailed("--exec needs a command")
    if shutil.which(words[0]) is None:
        raise StartFailed(f"--exec: there is no program {words[0]!r}")
    return tuple(words)
