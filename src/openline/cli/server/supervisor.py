"""Several processes on one port: started, watched, restarted when they die, and ended together.

Each worker has a listening socket of its own on the same address (SO_REUSEPORT), and the kernel spreads the
connections among them. The supervisor holds a bound socket that does not listen: it gets no connections, and keeps the
port from everyone else while workers come and go.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from typing import Any

import click

from openline.cli.server.exits import describe_exit
from openline.cli.server.options import StartFailed
from openline.cli.server.work import READY, Work
from openline.cli.signals import on_signals

# Seconds before a dead worker is replaced: doubled each time, forgotten once one has lived long enough.
FIRST_DELAY = 0.5
LAST_DELAY = 30.0
LONG_LIFE = 60.0


class _Worker:
    """A process and the socket that ties it to us."""

    def __init__(self, process: Process, line: socket.socket) -> None:
        self.process = process
        self._line = line

    async def start(self, options: dict[str, Any]) -> None:
        """Hand the options over and wait until the worker listens.

        Raises:
            StartFailed: it cannot.
        """
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._line, json.dumps(options).encode() + b"\n")
        answer = (await loop.sock_recv(self._line, 4096)).decode("utf-8", "replace").strip()
        if answer != READY:
            status = await self.process.wait()
            raise StartFailed(answer or f"a worker ended with {describe_exit(status)} while it started")

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def close(self) -> None:
        self._line.close()


class Supervisor:
    """Runs the workers.

    Args:
        work: What each of them does.
        count: How many there are.
    """

    def __init__(self, work: Work, count: int) -> None:
        self._work = work
        self._port = work.port
        self._count = count
        self._workers: set[_Worker] = set()
        self._stop = asyncio.Event()
        self._killed = False

    def run(self) -> int:
        """Serve until a signal ends it.

        Returns:
            The exit code: 0, or 130 if a second signal cut the closing handshakes off.

        Raises:
            StartFailed: the workers cannot start.
        """
        return asyncio.run(self._run())

    async def _run(self) -> int:
        reserved = _reserve(self._work.host, self._work.port)
        self._port = reserved[0].getsockname()[1]
        on_signals(self._on_signal)
        if self._work.reload:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._signal_all, signal.SIGHUP)
        keeping: list[asyncio.Task[None]] = []
        try:
            await self._start_all(keeping)
            self._work.announce([one.getsockname() for one in reserved])
            await self._stop.wait()
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)
            await self._end_all()
            for one in reserved:
                one.close()
        return 130 if self._killed else 0

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._killed = True
            self._signal_all(signal.SIGKILL)
        self._stop.set()

    async def _start_all(self, keeping: list[asyncio.Task[None]]) -> None:
        started = await asyncio.gather(*(self._start() for _ in range(self._count)), return_exceptions=True)
        for number, worker in enumerate(started, 1):
            if isinstance(worker, BaseException):
                raise worker
            keeping.append(asyncio.create_task(self._keep(number, worker)))

    async def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._work.module, stdin=theirs.fileno()
            )
        worker = _Worker(process, ours)
        self._workers.add(worker)
        await worker.start(self._work.options(self._port))
        return worker

    async def _keep(self, number: int, worker: _Worker) -> None:
        """Replace a worker each time it dies."""
        loop = asyncio.get_running_loop()
        delay = FIRST_DELAY
        while True:
            began = loop.time()
            status = await worker.process.wait()
            self._forget(worker)
            if loop.time() - began > LONG_LIFE:
                delay = FIRST_DELAY
            click.echo(
                f"worker {number} (pid {worker.process.pid}) ended with {describe_exit(status)}; "
                f"a new one starts in {delay:g} s",
                err=True,
            )
            worker, delay = await self._replace(number, delay)

    async def _replace(self, number: int, delay: float) -> tuple[_Worker, float]:
        while True:
            await asyncio.sleep(delay)
            delay = min(2 * delay, LAST_DELAY)
            try:
                return await self._start(), delay
            except StartFailed as error:
                click.echo(f"worker {number} did not start: {error}; again in {delay:g} s", err=True)

    def _forget(self, worker: _Worker) -> None:
        worker.close()
        self._workers.discard(worker)

    def _signal_all(self, number: signal.Signals) -> None:
        for worker in self._workers:
            worker.signal(number)

    async def _end_all(self) -> None:
        self._signal_all(signal.SIGTERM)
        ending = asyncio.gather(*(worker.process.wait() for worker in self._workers))
        try:
            await asyncio.wait_for(asyncio.shield(ending), self._work.grace)
        except TimeoutError:
            self._signal_all(signal.SIGKILL)
            await ending
        for worker in list(self._workers):
            self._forget(worker)


def _reserve(host: str, port: int) -> list[socket.socket]:
    """Bind the port on each address of a host, for the workers to share.

    Raises:
        StartFailed: the host has no address, or the port is taken.
    """
    reserved: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            sock = socket.socket(family, kind, protocol)
            reserved.append(sock)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # A port that someone shares already would be shared with them, silently: bind it once without sharing.
            with socket.socket(family, kind, protocol) as alone:
                if family == socket.AF_INET6:
                    alone.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                wanted = (address[0], port, *address[2:])
                alone.bind(wanted)
                port = alone.getsockname()[1]
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind((address[0], port, *address[2:]))
    except OSError as error:
        for sock in reserved:
            sock.close()
        raise StartFailed(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    return reserved
