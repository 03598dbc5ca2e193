"""A process that publishes under load, and says what was acknowledged, until somebody kills it."""

from __future__ import annotations

import asyncio
import os
import sys

from openline.hub.brokers.sqlite import SQLiteBroker
from openline.hub.publication import HistoryOptions, Payload, Publication
from openline.testing.broker_stage import Heard

HISTORY = HistoryOptions(1_000_000, 3600.0)
CHANNELS = 5
PUBLISHERS = 50


async def main(path: str, run: str) -> None:
    """Publish until killed: a line for each acknowledgement, in one write so that none is half."""
    broker = SQLiteBroker(path)
    await broker.start(Heard(), "node")

    async def publisher(number: int) -> None:
        turn = 0
        while True:
            name = f"{run}-{number}-{turn}"
            channel = f"c{(number + turn) % CHANNELS}"
            result = await broker.publish(
                channel,
                Publication(data=Payload(f'"{name}"'.encode())),
                history=HISTORY,
                idempotency_key=name,
            )
            os.write(1, f"{channel} {result.position.offset} {result.position.epoch} {name}\n".encode())
            turn += 1

    await asyncio.gather(*(publisher(number) for number in range(PUBLISHERS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
