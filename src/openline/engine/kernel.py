"""What the kernel tells of a TCP connection, where it does."""

from __future__ import annotations

import array
import sys

__all__ = ["unacknowledged", "unread"]

if sys.platform == "win32":

    def unread(fd: int) -> int | None:
        """Not known here."""
        return None

    def unacknowledged(fd: int) -> int:
        """Not known here."""
        return 0

else:
    import fcntl
    import termios

    # Linux: bytes in the send queue that the peer has not acknowledged. The number is that of TIOCOUTQ; 0: not here.
    _SIOCOUTQ = termios.TIOCOUTQ if sys.platform == "linux" else 0

    def unread(fd: int) -> int | None:
        """Return how many bytes wait to be read on a socket; None: not known."""
        return _ask(fd, termios.FIONREAD)

    def unacknowledged(fd: int) -> int:
        """Return how many bytes the kernel was given, and the peer's TCP has not acknowledged; 0 where not known."""
        return (_ask(fd, _SIOCOUTQ) or 0) if _SIOCOUTQ else 0

    def _ask(fd: int, request: int) -> int | None:
        answer = array.array("i", [0])
        try:
            fcntl.ioctl(fd, request, answer)
        except (OSError, ValueError):  # no socket, or closed
            return None
        return answer[0]
