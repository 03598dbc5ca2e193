"""Which web pages may connect to the hub, over whatever transport."""

from __future__ import annotations

import re
from collections.abc import Sequence

from openline.protocol.origins import is_listed, is_same_origin

__all__ = ["origin_allowed"]


def origin_allowed(
    origin: str | None, host: str, allowed: Sequence[str | re.Pattern[str] | None] | None
) -> bool:
    """Tell whether a page may connect.

    Args:
        origin: The Origin header; None: there is none, so no browser speaks.
        host: The Host header.
        allowed: `HubOptions.allowed_origins`. None: pages of ``host`` itself, and clients that send no Origin.
    """
    return is_same_origin(origin, host) if allowed is None else is_listed(origin, allowed)
