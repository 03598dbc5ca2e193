"""Programs written for `websockets` run on openline when their imports are changed, and print the same."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.engine

CHAT = """
import asyncio
import json
from websockets.asyncio.client import connect
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK

PEOPLE = set()

async def handler(websocket):
    PEOPLE.add(websocket)
    try:
        broadcast(PEOPLE, json.dumps({"people": len(PEOPLE)}))
        async for message in websocket:
            event = json.loads(message)
            broadcast(PEOPLE, json.dumps({"said": event["text"], "path": websocket.request.path}))
    finally:
        PEOPLE.remove(websocket)

async def main():
    async with serve(handler, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with connect(f"ws://{host}:{port}/room") as one:
            print(await one.recv())
            async with connect(f"ws://{host}:{port}/room") as two:
                print(await one.recv(), await two.recv())
                await two.send(json.dumps({"text": "hello"}))
                print(await one.recv(), await two.recv())
                await two.close(code=4000, reason="leaving")
                try:
                    await two.send("more")
                except ConnectionClosedError as exc:
                    print(type(exc).__name__, exc.code, exc.reason, exc)
        try:
            await one.recv()
        except ConnectionClosedOK as exc:
            print(type(exc).__name__, exc)

asyncio.run(main())
"""

HANDSHAKE = """
import asyncio
import http
from websockets.asyncio.client import connect
from websockets.asyncio.server import basic_auth, serve
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

async def health(connection, request):
    if request.path == "/healthz":
        return connection.respond(http.HTTPStatus.OK, "OK\\n")
    if request.path == "/own":
        return Response(402, "Pay Me", Headers({"X-Price": "1"}), b"pay")
    if "X-Token" not in request.headers:
        return connection.respond(http.HTTPStatus.FORBIDDEN, "no token\\n")

def mark(connection, request, response):
    response.headers["X-Mark"] = "seen"

def select(connection, offered):
    return "chat.v2" if "chat.v2" in offered else None

async def handler(websocket):
    await websocket.send(f"{websocket.subprotocol} {websocket.request.headers['X-Token']}")

async def main():
    async with serve(
        handler, "127.0.0.1", 0, process_request=health, process_response=mark, select_subprotocol=select
    ) as server:
        uri = "ws://%s:%d" % server.sockets[0].getsockname()
        async with connect(
            uri, subprotocols=["chat.v1", "chat.v2"], additional_headers={"X-Token": "secret"}, compression=None
        ) as ws:
            print(await ws.recv(), ws.subprotocol, ws.response.headers["X-Mark"])
        for path in ("/healthz", "/own", "/"):
            try:
                await connect(uri + path)
            except InvalidStatus as exc:
                response = exc.response
                print(exc, response.status_code, bytes(response.body), response.headers.get("X-Price"))

    async def who(websocket):
        await websocket.send(websocket.username)

    async with serve(who, "127.0.0.1", 0, process_request=basic_auth("here", ("alice", "secret"))) as server:
        address = "%s:%d" % server.sockets[0].getsockname()
        async with connect(f"ws://alice:secret@{address}/") as ws:
            print(await ws.recv())
        try:
            await connect(f"ws://alice:guess@{address}/")
        except InvalidStatus as exc:
            print(exc.response.status_code, exc.response.headers["WWW-Authenticate"])

asyncio.run(main())
"""

MESSAGES = """
import asyncio
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosedError, ConcurrencyError
from websockets.protocol import State

async def chunks():
    for chunk in ("a", "b", "c"):
        yield chunk

async def handler(websocket):
    await websocket.send(chunks())
    await websocket.send([b"1", b"2"])
    async for fragment in websocket.recv_streaming():
        await websocket.send(fragment)
    print("decoded", await websocket.recv(decode=True), await websocket.recv(decode=False))
    raise RuntimeError("on purpose")

async def main():
    async with serve(handler, "127.0.0.1", 0, max_size=1000, ping_interval=None) as server:
        uri = "ws://%s:%d" % server.sockets[0].getsockname()
        ws = await connect(uri, max_size=None, close_timeout=1, ping_interval=5, ping_timeout=5)
        print(await ws.recv(), await ws.recv())
        pong = await ws.ping()
        print((await pong) > 0, ws.latency > 0, ws.state is State.OPEN)
        await ws.send("one frame")
        print(await ws.recv())
        waiting = asyncio.create_task(ws.recv())
        await asyncio.sleep(0)
        try:
            await ws.recv()
        except ConcurrencyError as exc:
            print(type(exc).__name__)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        try:
            async with asyncio.timeout(0.05):
                await ws.recv()
        except TimeoutError:
            print("timeout")
        await ws.send(b"bytes")
        await ws.send("text")
        try:
            await ws.recv()
        except ConnectionClosedError as exc:
            print(exc.code, exc.rcvd.code, exc.sent.code, exc.rcvd_then_sent)
        await ws.wait_closed()
        print(ws.close_code, repr(ws.close_reason), ws.state is State.CLOSED)
        ws = await connect(uri)
        await ws.send("x" * 2000)
        try:
            while True:
                await ws.recv()
        except ConnectionClosedError as exc:
            print(exc.code)

import logging
logging.disable(logging.CRITICAL)
asyncio.run(main())
"""

RECONNECT = """
import asyncio
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

served = 0

async def handler(websocket):
    global served
    served += 1
    await websocket.send(str(served))

async def main():
    server = await serve(handler, "127.0.0.1", 0)
    uri = "ws://%s:%d" % server.sockets[0].getsockname()
    async for websocket in connect(uri):
        try:
            print(await websocket.recv())
            await websocket.recv()
        except ConnectionClosed:
            if served < 3:
                continue
            break
    server.close()
    await server.wait_closed()
    print(server.is_serving(), server.connections)

asyncio.run(main())
"""

ROUTES = """
import asyncio
from websockets.asyncio.client import connect
from websockets.asyncio.router import route
from websockets.exceptions import InvalidStatus
from werkzeug.routing import Map, Rule

async def channel(websocket, channel_id):
    await websocket.send(f"channel {channel_id!r}")

async def main():
    url_map = Map([Rule("/channel/<int:channel_id>", endpoint=channel), Rule("/c", redirect_to="/channel/1")])
    async with route(url_map, "127.0.0.1", 0) as server:
        uri = "ws://%s:%d" % server.sockets[0].getsockname()
        for path in ("/channel/42", "/c"):
            async with connect(uri + path) as ws:
                print(await ws.recv())
        try:
            await connect(uri + "/nothing")
        except InvalidStatus as exc:
            print(exc.response.status_code, bytes(exc.response.body))

asyncio.run(main())
"""

THREADS = """
import threading
from websockets.sync.client import connect
from websockets.sync.server import serve
from websockets.exceptions import ConnectionClosedOK

def handler(websocket):
    for message in websocket:
        websocket.send(message[::-1])

with serve(handler, "127.0.0.1", 0) as server:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host, port = server.socket.getsockname()
    with connect(f"ws://{host}:{port}/") as websocket:
        websocket.send("abc")
        print(websocket.recv(timeout=5))
        try:
            websocket.recv(timeout=0.01)
        except TimeoutError:
            print("timeout")
        print(websocket.ping().wait(5))
        websocket.send(["one", "two"])
        print(websocket.recv())
    try:
        websocket.send("closed")
    except ConnectionClosedOK as exc:
        print(exc)
    server.shutdown()
    thread.join()
"""

PROGRAMS = {
    "chat": CHAT,
    "handshake": HANDSHAKE,
    "messages": MESSAGES,
    "reconnect": RECONNECT,
    "routes": ROUTES,
    "threads": THREADS,
}


def moved(program: str) -> str:
    """Change the imports, and nothing else."""
    program = re.sub(r"from websockets\.exceptions import", "from openline.exceptions import", program)
    program = re.sub(r"from websockets\.sync\.\w+ import", "from openline.sync import", program)
    return re.sub(r"from websockets[.\w]* import", "from openline import", program)


def output(program: str) -> str:
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=25)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_only_the_imports_change(name: str) -> None:
    program = PROGRAMS[name]
    there = moved(program)
    assert "websockets" not in there
    assert output(there) == output(program) != ""
