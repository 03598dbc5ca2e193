"""openline's client, coroutine API."""

import asyncio

from benchmarks.clients.job import MESSAGE, Job, run
from openline import ClientConnection, connect

tasks: list[asyncio.Task[None]] = []


async def exchange(ws: ClientConnection, job: Job) -> None:
    await ws.send(MESSAGE)
    async for message in ws:
        job.messages += 1
        await ws.send(message)


async def talk(job: Job) -> None:
    ws = await connect(job.uri, compression=None, ping_interval=None, proxy=None)
    tasks.append(asyncio.create_task(exchange(ws, job)))


run(talk)
