"""uvicorn over the websockets library."""

from benchmarks.peers.job import Job, run
from benchmarks.peers.uvicorn_asgi import serve


async def start(job: Job) -> object:
    return await serve(job, "websockets")


run(start)
