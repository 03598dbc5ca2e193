"""A chat room by callbacks: the first message is one's name, each further one goes to everybody."""

import asyncio
import sys
from contextlib import suppress

from openline import Listener, ServerConnection, broadcast, serve


class Room(Listener):
    """One object for all connections."""

    def __init__(self) -> None:
        self.people: dict[ServerConnection, str] = {}

    def on_message(self, ws: ServerConnection, message: str | bytes) -> None:
        name = self.people.get(ws)
        if name is None:
            name = str(message)[:32]
            broadcast(self.people, f"{name} comes in")
            self.people[ws] = name
        else:
            broadcast(self.people, f"{name}: {message}")

    def on_close(self, ws: ServerConnection, code: int, reason: str) -> None:
        name = self.people.pop(ws, None)
        if name is not None:
            broadcast(self.people, f"{name} leaves")


async def main(port: int) -> None:
    async with serve(Room(), "localhost", port, max_size=4096, max_unsent=2**20) as server:
        print(f"listening on ws://localhost:{port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765))
