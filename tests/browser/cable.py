"""A cable between a browser and a demo that can be held and cut: what was sent arrives, and its answer does not."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST, as where a line breaks


class Cable:
    """Relays TCP connections, each by two threads.

    Args:
        address: The demo's, as ``http://127.0.0.1:PORT/``.

    Attributes:
        address: The other end's.
    """

    def __init__(self, address: str) -> None:
        self._server = urlsplit(address)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._answers = threading.Event()
        self._answers.set()
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def hold(self) -> None:
        """Let nothing of what the demo says through from now on."""
        self._answers.clear()

    def cut(self) -> None:
        """Reset all connections, with what was held; new ones are let through."""
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RD)  # wakes the thread that reads
            end.close()
        self._answers.set()

    def close(self) -> None:
        """End it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                page, _ = self._listener.accept()
            except OSError:
                return
            demo = socket.create_connection((self._server.hostname or "", self._server.port or 0))
            self._ends += [page, demo]
            for source, target, held in ((page, demo, False), (demo, page, True)):
                thread = threading.Thread(target=self._relay, args=(source, target, held))
                self._threads.append(thread)
                thread.start()

    def _relay(self, source: socket.socket, target: socket.socket, held: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if held:
                    self._answers.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def cable(address: str) -> Iterator[Cable]:
    """Lay a cable to a demo."""
    laid = Cable(address)
    try:
        yield laid
    finally:
        laid.close()
