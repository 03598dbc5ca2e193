"""The clients of openline's hub, and `openline.broadcast` of the very bytes that the hub would send them."""

import time
from typing import Any

import msgspec

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
        payload = msgspec.json.encode(data).decode()
        now = int(time.time() * 1000)
        push = (
            f'{{"push":{{"channel":"{CHANNEL}","pub":{{"data":{payload},"offset":{offset},"time":{now}}}}}}}'
        )
        connections = (other.transport.connection for other in hub.sessions.values())
        openline.broadcast([connection for connection in connections if connection is not None], push)

    return await serve(hub, job)


run(start)
