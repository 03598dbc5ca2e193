"""Ports beside the playground's own, for what must be reached without it: known before anything listens there."""

from __future__ import annotations

import socket
import sys


class ReservedPort:
    """A free TCP port that is kept until it is needed; until then connections are refused.

    On Linux a socket that never listens is left bound to it, which keeps the kernel from giving it to others, and does
    not hinder `open`. Elsewhere it is only hoped that nobody takes it.

    Args:
        host: The address to listen on later. An empty string: all of this machine's, by IPv4.

    Raises:
        OSError: The address is not this machine's.
    """

    def __init__(self, host: str) -> None:
        self._family, self._host = _resolve(host)
        keeper = self._bind(0)
        self.number: int = keeper.getsockname()[1]
        self._keeper: socket.socket | None = keeper
        if sys.platform != "linux":
            self.close()

    def open(self) -> socket.socket:
        """Return a socket that is bound to the port, and does not listen yet; the caller closes it.

        Raises:
            OSError: Somebody else has the port.
        """
        return self._bind(self.number)

    def close(self) -> None:
        """Give the port up. Idempotent."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

    def _bind(self, port: int) -> socket.socket:
        sock = socket.socket(self._family)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self._host, port))
        except OSError:
            sock.close()
            raise
        return sock


def _resolve(host: str) -> tuple[socket.AddressFamily, str]:
    family, _, _, _, address = socket.getaddrinfo(
        host or "0.0.0.0", 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return family, str(address[0])
