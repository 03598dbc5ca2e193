"""openline, callback API."""

from benchmarks.peers.job import MAX_SIZE, PING_INTERVAL, Job, run
from benchmarks.peers.openline_deflate import deflate_arguments
from openline import Listener, Server, ServerConnection, broadcast, serve


class Echo(Listener):
    def on_message(self, ws: ServerConnection, message: str | bytes) -> None:
        ws.send_nowait(message)


class FanOut(Listener):
    def __init__(self) -> None:
        self.connections: set[ServerConnection] = set()

    def on_open(self, ws: ServerConnection) -> None:
        self.connections.add(ws)

    def on_message(self, ws: ServerConnection, message: str | bytes) -> None:
        broadcast(self.connections, message)

    def on_close(self, ws: ServerConnection, code: int, reason: str) -> None:
        self.connections.discard(ws)


async def start(job: Job) -> Server:
    return await serve(
        FanOut() if job.fanout else Echo(),
        sock=job.sock,
        ssl=job.ssl,
        ping_interval=PING_INTERVAL if job.keepalive else None,
        max_size=MAX_SIZE,
        max_unsent=MAX_SIZE,
        busy_poll=job.busy_poll,
        **deflate_arguments(job),
    )


run(start)
