"""A chat room: the first message is one's name, each further one goes to everybody."""

import asyncio
import sys
from contextlib import suppress

from openline import ServerConnection, broadcast, serve
from openline.exceptions import ConnectionClosed

people: dict[ServerConnection, str] = {}


async def chat(ws: ServerConnection) -> None:
    try:
        name = str(await ws.recv())[:32]
    except ConnectionClosed:
        return
    broadcast(people, f"{name} comes in")
    people[ws] = name
    try:
        async for text in ws:
            broadcast(people, f"{name}: {text}")
    except ConnectionClosed:
        pass  # the line broke; for the others that is the same as leaving
    finally:
        del people[ws]
        broadcast(people, f"{name} leaves")


async def main(port: int) -> None:
    # Nobody needs long messages here, and who lags a mebibyte behind is not listening any more.
    async with serve(chat, "localhost", port, max_size=4096, max_unsent=2**20) as server:
        print(f"listening on ws://localhost:{port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765))
