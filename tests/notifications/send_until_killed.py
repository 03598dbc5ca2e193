"""A process that sends under load and marks what it sent, and says what was acknowledged, until somebody kills it."""

from __future__ import annotations

import asyncio
import os
import sys

from openline.hub import Hub
from openline.hub.stores.sqlite import SQLiteStore
from openline.notifications import Inbox

USERS = [f"user{number}" for number in range(5)]


async def main(path: str, run: str) -> None:
    """Send until killed: a line for each acknowledgement, in one write so that none is half."""
    inbox = Inbox(Hub(insecure=True), SQLiteStore(path), compact_after=8, limit=1000)

    async def sender(number: int) -> None:
        turn = 0
        while True:
            user, id_ = USERS[number % len(USERS)], f"{run}-{number}-{turn}"
            await inbox.send(user, {"n": turn}, id=id_)
            os.write(1, f"sent {user} {id_}\n".encode())
            if turn % 3 == 0:
                await inbox.mark(user, [id_])
                os.write(1, f"read {user} {id_}\n".encode())
            turn += 1

    await asyncio.gather(*(sender(number) for number in range(10)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
