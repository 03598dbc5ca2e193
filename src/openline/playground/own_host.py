"""Which requests come to this machine by a name of its own.

A page of another site can try two ways in: with its own name in Origin (RFC 6455 section 10.2), which
`openline.protocol.origins` is for, or with a name of its own that it lets point to this machine (DNS rebinding), where
Origin and Host agree. An address cannot be made to point elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit


def host_checker(names: tuple[str, ...] = ()) -> Callable[[str], bool]:
    """Return a function that says whether a Host header names this machine: an address, localhost, or one of its names.

    Args:
        names: Further names that this server is reached by, such as the public one behind a proxy.
    """
    own = {"localhost", socket.gethostname().lower(), *(name.lower() for name in names)}

    def is_own(host: str) -> bool:
        name = _name_of(host)
        return name is not None and (name in own or name.endswith(".localhost") or _is_address(name))

    return is_own


def is_beside(origin: str, host: str, port: int) -> bool:
    """Tell whether a page comes from another port of the very host that it asks: from this one."""
    try:
        page, own = urlsplit(origin), urlsplit(f"//{host}")
        return (
            page.hostname == own.hostname
            and (page.port or {"http": 80, "https": 443}.get(page.scheme)) == port
        )
    except ValueError:
        return False


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:  # brackets that do not match
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
