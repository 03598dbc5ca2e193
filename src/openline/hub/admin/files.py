"""The files of the admin page: read once, looked up and never opened by name, with strict headers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from openline.websocket.http import HTTPResponse

if TYPE_CHECKING:
    from openline.hub.transports.incoming import Incoming

__all__ = ["SECURITY_HEADERS", "Files"]

_FOLDER = Path(__file__).parent / "static"

_FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "admin.css": ("admin.css", "text/css; charset=utf-8"),
    "admin.js": ("admin.js", "text/javascript; charset=utf-8"),
    "api.js": ("api.js", "text/javascript; charset=utf-8"),
    "charts.js": ("charts.js", "text/javascript; charset=utf-8"),
    "dom.js": ("dom.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
"""By what stands behind ``/admin/``."""

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Files:
    """Answers requests for the page's files."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[dict[str, str], bytes]] = {}

    def serve(self, request: Incoming, name: str) -> HTTPResponse | None:
        """Answer a request for a file; None: there is none of that name.

        Args:
            request: The request, GET or HEAD.
            name: What stands behind ``/admin/``.
        """
        if name not in _FILES:
            return None
        if name not in self._answers:
            file, content_type = _FILES[name]
            content = (_FOLDER / file).read_bytes()
            tag = hashlib.sha256(content).hexdigest()[:32]
            headers = {
                **SECURITY_HEADERS,
                "Content-Type": content_type,
                "Cache-Control": "no-cache",
                "ETag": f'"{tag}"',
            }
            self._answers[name] = headers, content
        headers, content = self._answers[name]
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return HTTPResponse(304, headers)
        return HTTPResponse(200, headers, content)
