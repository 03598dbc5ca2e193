"""picows.websockets: the API of websockets on the core of picows."""

from picows.websockets.asyncio.server import Server, ServerConnection, broadcast, serve

from benchmarks.peers.job import MAX_SIZE, Job, run

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
        compression=None if job.deflate == "none" else "deflate",
        ping_interval=job.ping_interval,
        max_size=MAX_SIZE,
        max_queue=None,
    )


run(start)
