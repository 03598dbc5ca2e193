"""Django Channels with its layer in memory, under uvicorn."""

import asyncio

import django
import uvicorn
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

from benchmarks.peers.job import MAX_SIZE, PING_INTERVAL, Job, run


class Room(AsyncWebsocketConsumer):
    """One group, in which everybody is."""

    groups = ["fan"]  # noqa: RUF012 - Channels wants a list

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send("fan", {"type": "publication", "text": text_data})

    async def publication(self, event: dict[str, str]) -> None:
        await self.send(text_data=event["text"])


async def start(job: Job) -> object:
    settings.configure(
        DEBUG=False,
        INSTALLED_APPS=["channels"],
        CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        ALLOWED_HOSTS=["127.0.0.1"],
    )
    django.setup()
    config = uvicorn.Config(
        ProtocolTypeRouter({"websocket": URLRouter([path("", Room.as_asgi())])}),
        http="httptools",
        ws="auto",
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


run(start)
