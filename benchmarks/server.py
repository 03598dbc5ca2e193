"""A peer's server as a process: started on its core, looked at from outside, ended."""

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks import native
from benchmarks.peers import NODE, Peer
from benchmarks.works import Work

_START_TIMEOUT = 20.0
_STOP_TIMEOUT = 3.0


class ServerError(Exception):
    """The server did not start, or ended by itself; carries the last line of its standard error."""


@contextlib.contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """What is started inside runs on this CPU (a child inherits the affinity of the thread that forks)."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _arguments(peer: Peer, work: Work) -> list[str]:
    flags = [*(["--fanout"] if work.mode == "fanout" else []), *(["--text"] if work.text else [])]
    if work.task:
        flags += ["--task", work.task]
    if work.deflate:
        flags += ["--deflate", work.deflate]
    if work.keepalive and "keepalive" not in peer.lacks:
        flags.append("--keepalive")
    chain, key = map(str, native.certificate()) if work.tls else ("", "")
    match peer.program:
        case "limit":
            return [str(native.BUILD / "echo-limit"), *flags]
        case program if program in NODE:
            tls = ["--chain", chain, "--key", key] if work.tls else []
            return ["node", str(native.FOLDER / "peers" / program / "server.js"), *flags, *tls]
        case program:
            tls = ["--certificate", chain, key] if work.tls else []
            loop = ["--loop", peer.loop] if peer.loop else []
            return [sys.executable, "-m", f"benchmarks.peers.{program}", *flags, *tls, *loop, *peer.arguments]


def engine() -> str:
    """The engine that openline must run on: a figure of the fallback must not pass for the native engine's."""
    return os.environ.get("OPENLINE_ENGINE", "native")


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from _children(int(child))


class ServerProcess:
    """A running server; a context manager that ends it.

    Args:
        peer: Which.
        work: For what.
        cpu: Where it runs.

    Raises:
        ServerError: On entry, when it does not come up in 20 seconds.
    """

    def __init__(self, peer: Peer, work: Work, cpu: int) -> None:
        folder = native.BUILD / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / f"{work.name}-{peer.name}.log"
        self._arguments = _arguments(peer, work)
        self._cpu = cpu
        self.ports: list[int] = []
        self.pids: list[int] = []

    def __enter__(self) -> Self:
        with self._log.open("wb") as log, pinned(self._cpu):
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=native.FOLDER.parent,
                env={**os.environ, "OPENLINE_ENGINE": engine()},
            )
        try:
            self.ports, self.pids = self._read_ports()
        except BaseException:
            self._stop()
            raise
        return self

    def _read_ports(self) -> tuple[list[int], list[int]]:
        """The line ``listening PORT``; of a server with several nodes ``listening PORT PORT of PID PID``."""
        assert self._process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self._process.stdout], [], [], _START_TIMEOUT)
            chunk = os.read(self._process.stdout.fileno(), 4096) if readable else b""
            if not chunk:
                raise ServerError(f"the server did not start: {self.log_end()}")
            line += chunk
        ports, _, pids = line.decode().partition(" of ")
        processes = [int(pid) for pid in pids.split()] or [self._process.pid, *_children(self._process.pid)]
        return [int(port) for port in ports.split()[1:]], processes

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def log_end(self) -> str:
        """The last line of its standard error."""
        return (self._log.read_text(errors="replace").strip() or "(it wrote nothing)").splitlines()[-1]

    def cpu_seconds(self) -> float:
        """Processor time of all its processes so far."""
        # The kernel's number for the clock of another process; see clock_getcpuclockid(3).
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids)

    def memory(self) -> int:
        """Proportional set size of all its processes, in bytes.

        Raises:
            ServerError: One has gone.
        """
        total = 0
        for pid in self.pids:
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError as error:
                raise ServerError(f"the server has gone: {self.log_end()}") from error
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        return total
