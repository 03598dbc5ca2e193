"""Which pages may connect (RFC 6455 section 10.2): the origin that a browser sends, and what it is compared with."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["is_listed", "is_same_origin"]


def is_listed(origin: str | None, origins: Sequence[str | re.Pattern[str] | None]) -> bool:
    """Tell whether an origin is one of a list.

    Args:
        origin: The value of the header; None: there is none.
        origins: Strings, patterns that must match all of it, and None for a request without an origin.
    """
    for allowed in origins:
        if isinstance(allowed, re.Pattern):
            if origin is not None and allowed.fullmatch(origin):
                return True
        elif allowed == origin:
            return True
    return False


def is_same_origin(origin: str | None, host: str) -> bool:
    """Tell whether a page of a host asks, or a program that is no browser and sends no Origin.

    Args:
        origin: The value of the header; None: there is none.
        host: The Host header of the same request. Whoever can let a name point to this machine can have both agree (DNS
            rebinding), so where a request's coming from this network is all that protects, check the host as well.
    """
    return origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")
