"""The client of websockets, its asyncio implementation."""

import asyncio

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.clients.job import MESSAGE, Job, run

tasks: list[asyncio.Task[None]] = []


async def exchange(ws: ClientConnection, job: Job) -> None:
    await ws.send(MESSAGE)
    async for message in ws:
        job.messages += 1
        await ws.send(message)


async def talk(job: Job) -> None:
    ws = await connect(job.uri, compression=None, ping_interval=None, proxy=None, max_queue=None)
    tasks.append(asyncio.create_task(exchange(ws, job)))


run(talk)
