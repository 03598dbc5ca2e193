"""A directory as web pages: what a browser needs to open the page that opens the WebSocket.

Nothing outside of the directory is ever opened: not by ``..``, not by a link that points out of it.
"""

from __future__ import annotations

import asyncio
import mimetypes
import os
from collections.abc import AsyncIterator
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from openline import HTTPRequest, HTTPResponse

_CHUNK = 64 * 1024


class Files:
    """An ``http=`` handler that serves the files of a directory.

    Args:
        directory: The directory; ``index.html`` in it, and in those below, stands for the directory itself.
    """

    def __init__(self, directory: str) -> None:
        self._root = Path(directory).resolve()

    async def __call__(self, request: HTTPRequest) -> HTTPResponse:
        if request.method not in ("GET", "HEAD"):
            return HTTPResponse(405, {"Allow": "GET, HEAD"}, "only GET and HEAD are served here\n")
        try:
            found = self._find(request.path)
        except (OSError, RuntimeError):
            found = None  # a name that is too long, or links that run in a circle
        if isinstance(found, str):
            return HTTPResponse(308, {"Location": found})
        if found is None:
            return HTTPResponse(404, body="not found\n")
        return await self._send(request, found)

    def _find(self, requested: str) -> Path | str | None:
        """Return the file, or where a directory's index is, or None where there is nothing."""
        decoded = unquote(requested)
        # Not left to the file system: NUL is an error there, a backslash separates on Windows, a colon names a drive
        # or a stream there. Files that begin with a dot (.git, .env) are not meant for the public.
        parts = [part for part in decoded.split("/") if part]
        if any(part.startswith(".") or set(part) & set("\\:\0") for part in parts):
            return None
        path = self._inside(self._root.joinpath(*parts))
        names_directory = decoded.endswith("/")
        if path is not None and path.is_dir():
            if not names_directory:
                # Relative links of the index would lead elsewhere. The path is made anew, so that //host in the
                # request cannot become a redirect to another host.
                return f"/{quote('/'.join(parts))}/"
            path, names_directory = self._inside(path / "index.html"), False
        return path if path is not None and path.is_file() and not names_directory else None

    def _inside(self, path: Path) -> Path | None:
        resolved = path.resolve()
        return resolved if resolved.is_relative_to(self._root) else None

    async def _send(self, request: HTTPRequest, path: Path) -> HTTPResponse:
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except OSError:
            return HTTPResponse(403, body="this file cannot be read\n")
        status = os.fstat(file.fileno())
        headers = {
            "Content-Type": _content_type(path),
            "Content-Length": str(status.st_size),
            "Last-Modified": formatdate(status.st_mtime, usegmt=True),
            # A browser may keep a file, and asks each time whether it is still the newest.
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        if _is_fresh(request.headers.get("If-Modified-Since"), status.st_mtime):
            file.close()
            del headers["Content-Length"]
            return HTTPResponse(304, headers)
        if request.method == "HEAD":
            file.close()
            return HTTPResponse(200, headers)
        return HTTPResponse(200, headers, _chunks(file))


def _content_type(path: Path) -> str:
    kind, encoding = mimetypes.guess_type(path.name)
    if kind is None or encoding is not None:
        return "application/octet-stream"
    text = kind.startswith("text/") or kind in ("application/json", "application/javascript", "image/svg+xml")
    return f"{kind}; charset=utf-8" if text else kind


def _is_fresh(since: str | None, modified: float) -> bool:
    if since is None:
        return False
    try:
        return int(modified) <= parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError):
        return False  # RFC 9110 section 13.1.3: what is no date is ignored


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
