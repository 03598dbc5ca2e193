"""A page of another origin: the same host, another port, which is all that it takes to be somebody else's."""

from __future__ import annotations

from string import Template
from urllib.parse import urlsplit

from openline.websocket.http import HTTPRequest, HTTPResponse

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A foreign page</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/foreign.css">
<script src="/foreign.js" defer></script>
<h1>You have won!</h1>
<p>This page comes from <b id="origin"></b>. While you read, its script opens a line to the playground:</p>
<pre id="said"></pre>
"""

_STYLE = """:root { color-scheme: light dark }
body { margin: 0; padding: 14px 16px; font: 14px/1.45 system-ui, sans-serif;
  background: light-dark(#fff7f9, #2a1019); color: light-dark(#3b0a1c, #ffdbe6) }
h1 { margin: 0 0 4px; font-size: 17px }
p { margin: 0 0 8px }
pre { margin: 0; font: 12.5px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
"""

# Like any script of any page: the browser puts the visitor's cookie into the handshake, whoever asks for it.
_SCRIPT = Template("""document.getElementById("origin").textContent = location.origin;
const said = document.getElementById("said");
const say = (line) => { said.textContent += line + "\\n"; };
const url = "ws://" + location.hostname + ":$port/" + location.search;
say('new WebSocket("ws://' + location.hostname + ':$port/")');
const socket = new WebSocket(url);
socket.onopen = () => say("It is open: this page can speak in your name.");
socket.onmessage = (event) => say("It hears: " + event.data);
socket.onclose = (event) => say("Refused. Code " + event.code + ": that is all this script learns.");
""")


class ForeignPage:
    """Serves the page; an HTTP handler.

    Args:
        line_port: The port of the line that it tries to open.
        page_port: The port of the page that may show it.
    """

    def __init__(self, line_port: int, page_port: int) -> None:
        self._script = _SCRIPT.substitute(port=line_port)
        self._line_port = line_port
        self._page_port = page_port

    async def respond(self, request: HTTPRequest) -> HTTPResponse:
        """Answer a GET."""
        found = {
            "/": ("text/html; charset=utf-8", _PAGE),
            "/foreign.css": ("text/css; charset=utf-8", _STYLE),
            "/foreign.js": ("text/javascript; charset=utf-8", self._script),
        }.get(request.path)
        name = urlsplit(f"//{request.headers.get('Host', '')}").hostname
        if found is None or name is None or request.method != "GET" or any(sign in name for sign in "*;, '"):
            return HTTPResponse(404, body="There is no such page.\n")
        host = f"[{name}]" if ":" in name else name
        policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src ws://{host}:{self._line_port}; "
            f"frame-ancestors http://{host}:{self._page_port} https://{host}:{self._page_port}"
        )
        headers = {
            "Content-Type": found[0],
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return HTTPResponse(200, headers, found[1].encode())
