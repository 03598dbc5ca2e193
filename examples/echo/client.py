"""Sends a few messages to the echo server and prints what comes back."""

import asyncio
import sys

from openline import connect


async def main(port: int) -> None:
    async with connect(f"ws://localhost:{port}") as ws:
        for message in ("hello", b"\x00\x01\x02", "good bye"):
            await ws.send(message)
            print(repr(await ws.recv()))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765))
