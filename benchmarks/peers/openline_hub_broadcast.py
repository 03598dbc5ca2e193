"""The clients of openline's hub, and `openline.broadcast` of the bytes that the hub would send them."""

from typing import Any

import openline
from benchmarks.peers.job import Job, run
from benchmarks.peers.openline_hub import CHANNEL, make_hub, serve
from openline.hub import Session


async def start(job: Job) -> object:
    hub = make_hub()
    offset = 0

    @hub.on_message
    async def publish(session: Session, data: Any) -> None:
        nonlocal offset
        offset += 1
        push = (
            f'{{"push":{{"channel":"{CHANNEL}","pub":{{"data":{bytes(data).decode()},"offset":{offset}}}}}}}'
        )
        openline.broadcast([other.transport.connection for other in hub.sessions.values()], push)

    return await serve(hub, job)


run(start)
