"""A counter with a page, an HTTP interface and a WebSocket, all on one port."""

import asyncio
import sys
from contextlib import suppress

from openline import HTTPRequest, HTTPResponse, ServerConnection, broadcast, serve

PAGE = """<!doctype html>
<meta charset="utf-8"><title>Counter</title>
<p>The count is <output id="count"></output>.
<script>
  const line = new WebSocket(location.href.replace("http", "ws"));
  line.onmessage = (event) => { document.getElementById("count").value = event.data; };
</script>
"""

count = 0


async def watch(ws: ServerConnection) -> None:
    await ws.send(str(count))
    await ws.wait_closed()


async def answer(request: HTTPRequest) -> HTTPResponse:
    global count
    match request.method, request.path:
        case (("GET" | "HEAD"), "/"):
            return HTTPResponse(200, {"Content-Type": "text/html; charset=utf-8"}, PAGE.encode())
        case (("GET" | "HEAD"), "/count"):
            return HTTPResponse(200, body=f"{count}\n")
        case "POST", "/count":
            try:
                count += int(await request.body(limit=20))
            except ValueError:
                return HTTPResponse(400, body="send a whole number\n")
            broadcast(request.server.connections, str(count))
            return HTTPResponse(200, body=f"{count}\n")
        case _:
            return HTTPResponse(404, body="not found\n")


async def main(port: int) -> None:
    origins = [f"http://localhost:{port}", f"http://127.0.0.1:{port}", None]
    async with serve(watch, "localhost", port, http=answer, origins=origins) as server:
        print(f"listening on http://localhost:{port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765))
