"""Ten times a second, one message to everybody who is connected."""

import asyncio
import json
import random
import sys
from contextlib import suppress

from openline import Server, ServerConnection, broadcast, serve

INTERVAL = 0.1


async def listen_only(ws: ServerConnection) -> None:
    await ws.wait_closed()


async def tick(server: Server) -> None:
    price, number = 100.0, 0
    while True:
        price += random.gauss(0, 0.1)
        number += 1
        broadcast(server.connections, json.dumps({"number": number, "price": round(price, 2)}))
        await asyncio.sleep(INTERVAL)


async def main(port: int) -> None:
    async with serve(listen_only, "localhost", port, max_unsent=2**18) as server:
        print(f"listening on ws://localhost:{port}", flush=True)
        await tick(server)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765))
