"""openline's hub, broker in memory."""

import asyncio
import random
import time
from typing import Any

import openline
from benchmarks.dialogues import TOKEN_KEY
from benchmarks.live import CHANGES, INTERVAL, SYMBOLS
from benchmarks.peers.job import Job, run
from openline.hub import Hub, Session, TokenOptions

CHANNEL = "fan:0"


def make_hub(broker: str = "memory://") -> Hub:
    """A hub with one namespace, which has history and recovery, and the handlers of all tasks."""
    hub = Hub(broker, token=TokenOptions(hmac_secret=TOKEN_KEY))
    hub.namespace("fan", history=100, ttl=300.0, recovery=True, publish="anyone")

    hub.namespace("market", slow_consumer="conflate", batch_delay=INTERVAL, publish="nobody")

    @hub.rpc("echo")
    async def echo(session: Session, data: Any) -> Any:
        return data

    return hub


async def serve(hub: Hub, job: Job) -> object:
    """Serve it; the caller keeps what is returned."""
    await hub.start()
    return hub, await openline.serve(hub, sock=job.sock)


async def move_market(hub: Hub) -> None:
    """Publish `CHANGES` a second, in steps of 10 ms; what was late is caught up."""
    channels = [f"market:{symbol}" for symbol in range(SYMBOLS)]
    prices = [100.0] * SYMBOLS
    numbers = [0] * SYMBOLS
    done, began = 0, time.monotonic()
    while True:
        due = int((time.monotonic() - began) * CHANGES)
        changes: list[tuple[str, Any]] = []
        for change in range(done, due):
            symbol = change * 7 % SYMBOLS
            price = prices[symbol] = round(prices[symbol] * random.uniform(0.999, 1.001), 2)
            number = numbers[symbol] = numbers[symbol] + 1
            changes.append((channels[symbol], {"n": number, "price": price, "at": time.monotonic_ns()}))
        await hub.publish_many(changes)
        done = due
        await asyncio.sleep(0.01)


async def start(job: Job) -> object:
    hub = make_hub()
    if job.task == "live":
        await hub.start()
        return asyncio.create_task(move_market(hub)), await serve(hub, job)

    @hub.on_message
    async def publish(session: Session, data: Any) -> None:
        await hub.publish(CHANNEL, data)

    return await serve(hub, job)


if __name__ == "__main__":
    run(start)
