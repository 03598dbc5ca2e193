"""Which pages may use the hub over HTTP, and how their browsers are told (CORS).

Browsers let a page read answers of another origin only where these say so, and ask before they send certain requests.
What protects the hub is that it refuses requests of other pages itself, as it does for WebSocket; the headers only
let the allowed ones see their answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from openline.hub.auth.origins import origin_allowed
from openline.protocol.headers import Headers
from openline.websocket.http import HTTPResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openline.hub.transports.incoming import Incoming

__all__ = ["answer_preflight", "cors_headers", "may_use"]

_PREFLIGHT_AGE = 600
"""Seconds that a browser need not ask again."""

_is_list_of_names = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z, ]{1,1024}").fullmatch

_NO_PAGE_ASKS = ("cors", "same-origin")
"""Values of Sec-Fetch-Mode of requests by scripts; images, scripts and links have others, and send no Origin."""


def _header(headers: Headers, name: str) -> str | None:
    """The value; two values of a header that is sent once are as good as a foreign one."""
    values = headers.get_all(name)
    return ", ".join(values) if values else None


def may_use(request: Incoming, allowed: Sequence[str | re.Pattern[str] | None] | None) -> bool:
    """Tell whether the page that sends this request may use the hub; also for programs, which send no Origin.

    A page can have its visitor's browser fetch any address as an image or a script, with cookies and without Origin.
    Such requests are told by Sec-Fetch-Mode and Sec-Fetch-Site (Fetch Metadata), where the browser sends them.

    Args:
        request: The request.
        allowed: `HubOptions.allowed_origins`.
    """
    headers = request.headers
    origin, host = _header(headers, "Origin"), _header(headers, "Host") or ""
    if origin is None:
        mode, site = _header(headers, "Sec-Fetch-Mode"), _header(headers, "Sec-Fetch-Site")
        if mode is not None and mode not in _NO_PAGE_ASKS:
            return False
        if site is not None and site not in ("same-origin", "none"):
            return False
        if site == "same-origin":
            # A GET of the host's own page: browsers leave Origin out.
            return any(origin_allowed(f"{scheme}://{host}", host, allowed) for scheme in ("http", "https"))
    return origin_allowed(origin, host, allowed)


def cors_headers(request: Incoming) -> dict[str, str]:
    """Return what lets the page of an allowed request read the answer. Cookies are allowed, so the origin is named."""
    origin = _header(request.headers, "Origin")
    if origin is None:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
    }


def answer_preflight(request: Incoming, methods: str) -> HTTPResponse:
    """Answer a browser that asks, for an allowed page, whether it may send a request.

    Args:
        request: The request, OPTIONS.
        methods: What may be sent: ``POST``.
    """
    headers = Headers(cors_headers(request))
    headers["Access-Control-Allow-Methods"] = methods
    headers["Access-Control-Max-Age"] = str(_PREFLIGHT_AGE)
    wanted = _header(request.headers, "Access-Control-Request-Headers")
    if wanted is not None and _is_list_of_names(wanted):
        headers["Access-Control-Allow-Headers"] = wanted
    return HTTPResponse(204, headers)
