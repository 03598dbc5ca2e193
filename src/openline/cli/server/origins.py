"""Which pages may connect: by default those that this server served itself.

A browser lets any page open a WebSocket to any server, and sends along only an Origin header; a server that does
not look at it serves every site its user visits (RFC 6455 section 10.2).
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from openline.playground.own_host import host_checker
from openline.protocol.origins import is_same_origin

ANY = "any"

OriginCheck = Callable[[str | None, str], bool]
"""Called with the Origin header (None: there is none, so no browser speaks) and the Host header."""


def origin_check(allowed: Collection[str]) -> OriginCheck:
    """Return the function that tells whether a handshake may pass.

    Args:
        allowed: Origins that may connect; empty: the host's own pages; with `ANY`: all.
    """
    if ANY in allowed:
        return lambda _origin, _host: True
    if allowed:
        known = {one.lower().rstrip("/") for one in allowed}
        return lambda origin, _host: origin is None or origin.lower() in known
    is_own_host = host_checker()
    return lambda origin, host: origin is None or (is_own_host(host) and is_same_origin(origin, host))
