"""One line for each request, and for each connection that has ended."""

from __future__ import annotations

import datetime
import sys
from typing import cast


def tcp_address(address: object) -> tuple[str, int] | None:
    """Return host and port of a socket's address; None for a Unix socket."""
    if not isinstance(address, tuple):
        return None
    host, port = cast("tuple[str, int]", address)[:2]
    return host, port


def peer_name(address: object) -> str:
    """Return an address as people write it; ``unix`` for a Unix socket."""
    tcp = tcp_address(address)
    if tcp is None:
        return "unix"
    host, port = tcp
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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
