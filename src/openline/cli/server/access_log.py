"""One line for each request, and for each connection that has ended."""

from __future__ import annotations

import datetime
import sys


def peer_name(address: object) -> str:
    """Return an address as people write it; ``unix`` for a Unix socket."""
    if isinstance(address, tuple):
        host, port = str(address[0]), address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return "unix"


class AccessLog:
    """Writes to the standard output.

    Args:
        wanted: False: write nothing.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted

    def write(self, address: object, what: str) -> None:
        """Write one line.

        Args:
            address: The peer's address.
            what: What it did; control characters come out as escapes, since the peer may have chosen them.
        """
        if not self._wanted:
            return
        now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        safe = what.encode("unicode_escape").decode()
        sys.stdout.write(f"{now} {peer_name(address)} {safe}\n")
        sys.stdout.flush()
