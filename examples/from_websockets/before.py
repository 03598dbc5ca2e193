"""A server that adds numbers, and a client that asks it; both end when it has answered."""

import asyncio
import http
import json

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, basic_auth, serve
from websockets.exceptions import ConnectionClosedError, InvalidStatus


async def add(ws: ServerConnection) -> None:
    async for message in ws:
        try:
            numbers = json.loads(message)
            await ws.send(json.dumps(sum(numbers)))
        except (TypeError, ValueError):
            await ws.close(1003, "a list of numbers is wanted")
            return


async def main() -> None:
    check = basic_auth(realm="adder", credentials=("ada", "secret"))
    async with serve(add, "127.0.0.1", 0, process_request=check, ping_interval=10) as server:
        port = server.sockets[0].getsockname()[1]

        try:
            await connect(f"ws://127.0.0.1:{port}")
        except InvalidStatus as refused:
            print(http.HTTPStatus(refused.response.status_code).phrase)

        async with connect(f"ws://ada:secret@127.0.0.1:{port}", max_size=2**16) as ws:
            await ws.send("[1, 2, 3]")
            print(await ws.recv())
            latency = await (await ws.ping())
            print(f"a round trip takes less than a second: {latency < 1}")
            await ws.send("nonsense")
            try:
                await ws.recv()
            except ConnectionClosedError as closed:
                print(closed)


asyncio.run(main())
