"""uvicorn with its default WebSocket implementation, under a bare ASGI application."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from benchmarks.peers.job import MAX_SIZE, PING_INTERVAL, Job, run

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

connections: set[Send] = set()


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        message["type"] = "websocket.send"
        await send(message)
        del message  # or an idle connection would hold its last message


async def fan_out(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    connections.add(send)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            message["type"] = "websocket.send"
            for receiver in connections:
                await receiver(message)
    finally:
        connections.remove(send)


async def serve(job: Job, ws: str) -> object:
    """Start uvicorn with this WebSocket implementation."""
    config = uvicorn.Config(
        fan_out if job.fanout else echo,
        http="httptools",
        ws=ws,
        ws_max_size=MAX_SIZE,
        ws_ping_interval=PING_INTERVAL if job.keepalive else None,
        ws_ping_timeout=PING_INTERVAL if job.keepalive else None,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server.serve(sockets=[job.sock]))
    while not server.started:  # noqa: ASYNC110 - it has no event for this
        await asyncio.sleep(0.01)
    return server, task


async def start(job: Job) -> object:
    return await serve(job, "auto")


if __name__ == "__main__":
    run(start)
