"""The built front end, served from memory: what Vite wrote into ``static/``, with strict headers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from openline.websocket.http import HTTPRequest, HTTPResponse

BUILT = Path(__file__).parent / "static"

MAX_TOTAL_SIZE = 32 * 2**20  # bytes; a build is well under one MiB

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".md": "text/plain; charset=utf-8",
}

SECURITY_HEADERS = {
    # Scripts, styles and fonts of this origin alone, lines to this origin alone, and no page may frame it.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

POLICY = "Content-Security-Policy"

_NAMES_ITS_CONTENT = "public, max-age=31536000, immutable"  # Vite's assets/: another content has another name
_ASK_FIRST = "no-cache"

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The playground is not built yet</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<h1>The playground is not built yet</h1>
<p>The server runs, but its pages are missing: they are made from npm packages when the playground is built.</p>
<p>In a checkout of openline, <code>make demo</code> builds them and starts this server. It needs Node and npm.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, and the header fields that it is served with."""

    content: bytes
    headers: dict[str, str]


class StaticFiles:
    """Answers GET and HEAD from files that were read once; a path is looked up, and never opened.

    Args:
        directory: Where the build is. If there is none, every path is answered with a page that says how to make one.
        pages: Paths that show the front end's ``index.html``.

    Raises:
        ValueError: The directory holds a file of an unknown type, or more than `MAX_TOTAL_SIZE` bytes.
    """

    def __init__(self, directory: Path, pages: tuple[str, ...]) -> None:
        self._files = _read(directory)
        index = self._files.get("/index.html")
        self._built = index is not None
        if index is not None:
            self._files.update(dict.fromkeys(pages, index))

    async def respond(
        self, request: HTTPRequest, ports: Mapping[str, Sequence[int]] | None = None
    ) -> HTTPResponse:
        """Answer a plain HTTP request.

        Args:
            request: The request.
            ports: Ports of the host that was asked which the page may reach besides, by directive of the
                Content-Security-Policy. None: there are none. Such a page is not kept by browsers: when they ask
                whether it has changed, they keep the policy that they have, and the ports change.
        """
        if request.method not in {"GET", "HEAD"}:
            return HTTPResponse(405, {**SECURITY_HEADERS, "Allow": "GET, HEAD"}, "Only GET and HEAD.\n")
        if not self._built:
            headers = {"Content-Type": _TYPES[".html"], "Cache-Control": "no-store"}
            return HTTPResponse(503, {**SECURITY_HEADERS, **headers}, _NOT_BUILT.encode())
        file = self._files.get(request.path)
        if file is None:
            return HTTPResponse(
                404, {**SECURITY_HEADERS, "Cache-Control": _ASK_FIRST}, "There is no such page.\n"
            )
        if ports is not None:
            policy = _extended(SECURITY_HEADERS[POLICY], request.headers.get("Host", ""), ports)
            headers = {**file.headers, POLICY: policy, "Cache-Control": "no-store"}
            del headers["ETag"]
            return HTTPResponse(200, headers, file.content)
        if request.headers.get("If-None-Match") == file.headers["ETag"]:
            return HTTPResponse(304, file.headers)
        return HTTPResponse(200, file.headers, file.content)


def _extended(policy: str, host: str, ports: Mapping[str, Sequence[int]]) -> str:
    """Add ports of a host to the directives of a policy; a directive that was not there begins with nothing else.

    Raises:
        ValueError: The host is malformed, or could be taken for more than a host.
    """
    name = urlsplit(f"//{host}").hostname
    if name is None or any(letter in name for letter in "*;, '"):
        raise ValueError(f"{host!r} is no host")
    shown = f"[{name}]" if ":" in name else name
    directives: dict[str, str] = {}
    for part in policy.split(";"):
        directive, _, allowed = part.strip().partition(" ")
        directives[directive] = allowed
    for directive, numbers in ports.items():
        schemes = ("http", "https", "ws", "wss") if directive == "connect-src" else ("http", "https")
        sources = (f"{scheme}://{shown}:{number}" for number in numbers for scheme in schemes)
        directives[directive] = " ".join(filter(None, [directives.get(directive), *sources])) or "'none'"
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def _read(directory: Path) -> dict[str, StaticFile]:
    files: dict[str, StaticFile] = {}
    total = 0
    for path in sorted(directory.rglob("*")):  # of a directory that does not exist: nothing
        if not path.is_file():
            continue
        name = "/" + path.relative_to(directory).as_posix()
        if path.suffix not in _TYPES:
            raise ValueError(
                f"{path}: no content type is known for {path.suffix or 'a file without an ending'}"
            )
        total += path.stat().st_size
        if total > MAX_TOTAL_SIZE:
            raise ValueError(f"{directory}: more than {MAX_TOTAL_SIZE} bytes")
        content = path.read_bytes()
        files[name] = StaticFile(
            content,
            {
                **SECURITY_HEADERS,
                "Content-Type": _TYPES[path.suffix],
                "Cache-Control": _NAMES_ITS_CONTENT if name.startswith("/assets/") else _ASK_FIRST,
                "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
            },
        )
    return files
