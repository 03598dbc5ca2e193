"""python-socketio under uvicorn."""

import asyncio
from typing import Any

import socketio
import uvicorn

from benchmarks.peers.job import MAX_SIZE, Job, run


def application() -> Any:
    """The server: who connects is in one room."""
    server: Any = socketio.AsyncServer(
        async_mode="asgi", max_http_buffer_size=MAX_SIZE, logger=False, engineio_logger=False
    )

    @server.event
    async def connect(sid: str, environ: dict[str, Any]) -> None:
        await server.enter_room(sid, "fan")

    @server.on("m")
    async def publish(sid: str, data: object) -> None:
        await server.emit("m", data, room="fan")

    @server.on("echo")
    async def echo(sid: str, data: object) -> object:
        return data

    return socketio.ASGIApp(server)


async def start(job: Job) -> object:
    config = uvicorn.Config(
        application(),
        http="httptools",
        ws="auto",
        ws_max_size=MAX_SIZE,
        ws_ping_interval=None,  # it has its own
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


run(start)
