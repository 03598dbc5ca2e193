"""The real ``openline`` command: in a terminal of its own (a pty), in pipes, or in the background."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

OPENLINE = [sys.executable, "-m", "openline"]

PATIENCE = 15.0  # seconds for what must happen; the machine may be busy

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][A-Z0-9]|[=>78M])")


def environment(home: Path | None = None, **changes: str) -> dict[str, str]:
    """An environment without colours forced or forbidden, and with `home` for the files the command keeps."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")
    }
    if home is not None:
        kept |= {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_STATE_HOME": str(home / "state"),
        }
    return kept | changes


def run(*arguments: str, stdin: bytes = b"", home: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run the command in pipes until it ends."""
    return subprocess.run(
        [*OPENLINE, *arguments],
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        env=environment(home),
    )


class Terminal:
    """The command in a pty: what it shows is collected, what is typed is sent.

    Args:
        arguments: Those of the command.
        home: Where it keeps files of its own.
        variables: Further environment variables.
    """

    def __init__(self, *arguments: str, home: Path, **variables: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self._process = subprocess.Popen(
            [*OPENLINE, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(home, TERM="xterm-256color", **variables),
            start_new_session=True,
        )
        os.close(slave)
        self.raw = ""
        self._shown = ""

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait until the terminal shows the pattern, after what was expected before."""
        deadline = time.monotonic() + PATIENCE
        while True:
            plain = _ESCAPES.sub("", self._shown)
            match = re.search(pattern, plain)
            if match:
                self._shown = plain[match.end() :]
                return match
            if not self._read(deadline):
                raise AssertionError(f"{pattern!r} was not shown; this was: {plain!r}")

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the last process has closed the terminal
            return False
        text = data.decode("utf-8", "replace")
        self.raw += text
        self._shown += text
        if "\x1b[6n" in text:
            # The prompt asks where the cursor is, as it may of any terminal.
            os.write(self._master, b"\x1b[1;1R")
        return bool(data)

    def type(self, keys: str) -> None:
        """Press keys; ``\\r`` is Enter, ``\\x04`` Ctrl-D."""
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Wait until the command has ended, and return its exit code."""
        while self._read(time.monotonic() + PATIENCE):
            pass
        return self._process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)


class Background:
    """The command as a server: runs until it is told to end.

    Args:
        arguments: Those of the command.
        home: Where it keeps files of its own.
    """

    def __init__(self, *arguments: str, home: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [*OPENLINE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(home),
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self._output = self.process.stdout.fileno()
        self.said = ""

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait until the command has said the pattern, since its start."""
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.said)):
            ready, _, _ = select.select([self._output], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._output, 65536) if ready else b""
            if not data:
                raise AssertionError(f"{pattern!r} was not said; this was: {self.said!r}")
            self.said += data.decode("utf-8", "replace")
        return match

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command alone."""
        self.process.send_signal(number)

    def interrupt(self) -> None:
        """Press Ctrl-C: the terminal sends SIGINT to all processes of the group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Wait until the command has ended, and return its exit code."""
        while data := os.read(self._output, 65536):
            self.said += data.decode("utf-8", "replace")
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End the command and whatever it has started, if it has not ended by itself."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def background(*arguments: str, home: Path | None = None) -> Iterator[Background]:
    """Run the command in the background as long as the block lasts."""
    command = Background(*arguments, home=home)
    try:
        yield command
    finally:
        command.close()


@contextmanager
def server(*arguments: str, home: Path | None = None) -> Iterator[tuple[Background, str]]:
    """Run ``openline serve`` on a free port; yields the command and its ws:// URL."""
    with background("serve", "--port", "0", *arguments, home=home) as command:
        yield command, command.expect(r"serving .* at (wss?://\S+)")[1]
