"""A look at a socket that belongs to the engine."""

from __future__ import annotations

import os
import socket
from typing import Any, cast

__all__ = ["SocketView"]


class SocketView:
    """What `get_extra_info("socket")` gives: options and names of the socket, but no way to read, write or close it.

    The descriptor stays the reactor's; each question is asked of a copy that is closed at once.
    """

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """The engine's own descriptor; -1 does not occur, but it may have been closed since."""
        return self._fd

    def _copy(self) -> socket.socket:
        return socket.socket(fileno=os.dup(self._fd))

    @property
    def family(self) -> int:
        """The address family."""
        with self._copy() as copy:
            return copy.family

    @property
    def type(self) -> int:
        """The socket type, as `socket.SOCK_STREAM`."""
        with self._copy() as copy:
            return copy.type

    @property
    def proto(self) -> int:
        """The protocol number."""
        with self._copy() as copy:
            return copy.proto

    def getsockname(self) -> Any:
        """The local address."""
        with self._copy() as copy:
            return copy.getsockname()

    def getpeername(self) -> Any:
        """The peer's address."""
        with self._copy() as copy:
            return copy.getpeername()

    def getsockopt(self, *args: Any) -> int | bytes:
        """As `socket.socket.getsockopt`."""
        with self._copy() as copy:
            return cast("int | bytes", copy.getsockopt(*args))

    def setsockopt(self, *args: Any) -> None:
        """As `socket.socket.setsockopt`."""
        with self._copy() as copy:
            copy.setsockopt(*args)
