"""aiohttp, its server."""

from aiohttp import WSMsgType, web

from benchmarks.peers.job import MAX_SIZE, PING_INTERVAL, Job, run


async def start(job: Job) -> web.SockSite:
    connections: set[web.WebSocketResponse] = set()
    heartbeat = PING_INTERVAL if job.keepalive else None

    async def prepare(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(heartbeat=heartbeat, compress=job.deflate != "none", max_msg_size=MAX_SIZE)
        await ws.prepare(request)
        return ws

    async def echo(request: web.Request) -> web.WebSocketResponse:
        ws = await prepare(request)
        async for message in ws:
            if message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
            else:
                await ws.send_str(message.data)
            del message  # or an idle connection would hold its last message
        return ws

    async def fan_out(request: web.Request) -> web.WebSocketResponse:
        ws = await prepare(request)
        connections.add(ws)
        try:
            async for message in ws:
                if message.type is WSMsgType.BINARY:
                    for receiver in connections:
                        await receiver.send_bytes(message.data)
                else:
                    for receiver in connections:
                        await receiver.send_str(message.data)
        finally:
            connections.remove(ws)
        return ws

    app = web.Application()
    app.router.add_get("/", fan_out if job.fanout else echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.SockSite(runner, job.sock, ssl_context=job.ssl)
    await site.start()
    return site


run(start)
