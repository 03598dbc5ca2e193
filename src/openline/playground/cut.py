"""Cutting a visitor's line: his TCP connections are reset without a Close frame, and for some seconds he stays out."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from openline import ServerConnection

REFUSED_FOR = 5.0  # seconds
MAX_CUTS = 1_000  # pages that are refused at a time; of more, the first come back early

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER, zero seconds: closing sends RST, and throws away what is queued


class Cuts:
    """The lines of each page that may be cut, and the pages that were.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: dict[str, set[ServerConnection]] = {}
        self._until: dict[str, float] = {}

    @contextmanager
    def exposed(self, token: str, line: ServerConnection) -> Generator[None]:
        """Let a line be cut for as long as the block runs."""
        self.expose(token, line)
        try:
            yield
        finally:
            self.cover(token, line)

    def expose(self, token: str, line: ServerConnection) -> None:
        """Let a line be cut from now on."""
        self._lines.setdefault(token, set()).add(line)

    def cover(self, token: str, line: ServerConnection) -> None:
        """The line has ended. Idempotent."""
        lines = self._lines.get(token)
        if lines is not None:
            lines.discard(line)
            if not lines:
                del self._lines[token]

    def cut(self, token: str) -> int:
        """Reset the page's lines, and refuse new ones for `REFUSED_FOR` seconds; return how many there were."""
        lines = list(self._lines.get(token, ()))
        self._until.pop(token, None)
        if len(self._until) >= MAX_CUTS:
            del self._until[next(iter(self._until))]
        self._until[token] = self._clock() + REFUSED_FOR
        for line in lines:
            reset(line)
        return len(lines)

    def refused_for(self, token: str) -> float:
        """Return for how many seconds the page is still refused; 0.0: it is not."""
        until = self._until.get(token)
        if until is None:
            return 0.0
        left = until - self._clock()
        if left <= 0:
            del self._until[token]
            return 0.0
        return left


def reset(line: ServerConnection) -> None:
    """End a connection as a broken network ends it: no Close frame, no FIN, and nothing that still waits."""
    sock = line.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    line.transport.abort()
