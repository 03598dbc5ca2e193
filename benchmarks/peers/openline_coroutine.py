"""openline, coroutine API."""

from benchmarks.peers.job import MAX_SIZE, PING_INTERVAL, Job, run
from benchmarks.peers.openline_deflate import deflate_arguments
from openline import Server, ServerConnection, broadcast, serve

connections: set[ServerConnection] = set()


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)
        del message  # or an idle connection would hold its last message


async def fan_out(ws: ServerConnection) -> None:
    connections.add(ws)
    try:
        async for message in ws:
            broadcast(connections, message)
    finally:
        connections.remove(ws)


async def start(job: Job) -> Server:
    return await serve(
        fan_out if job.fanout else echo,
        sock=job.sock,
        ssl=job.ssl,
        ping_interval=PING_INTERVAL if job.keepalive else None,
        max_size=MAX_SIZE,
        max_unsent=MAX_SIZE,
        **deflate_arguments(job),
    )


run(start)
