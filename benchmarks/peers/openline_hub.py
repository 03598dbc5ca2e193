"""openline's hub, broker in memory."""

from typing import Any

import openline
from benchmarks.dialogues import TOKEN_KEY
from benchmarks.peers.job import Job, run
from openline.hub import Hub, Session, TokenOptions

CHANNEL = "fan:0"


def make_hub(broker: str = "memory://") -> Hub:
    """A hub with one namespace, which has history and recovery, and the handlers of all tasks."""
    hub = Hub(broker, token=TokenOptions(hmac_secret=TOKEN_KEY))
    hub.namespace("fan", history=100, ttl=300.0, recovery=True, publish="anyone")

    @hub.rpc("echo")
    async def echo(session: Session, data: Any) -> Any:
        return data

    return hub


async def serve(hub: Hub, job: Job) -> object:
    """Serve it; the caller keeps what is returned."""
    await hub.start()
    return hub, await openline.serve(hub, sock=job.sock)


async def start(job: Job) -> object:
    hub = make_hub()

    @hub.on_message
    async def publish(session: Session, data: Any) -> None:
        await hub.publish(CHANNEL, data)

    return await serve(hub, job)


if __name__ == "__main__":
    run(start)
