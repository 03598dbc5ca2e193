"""Nodes that play on a Redis in tests: a started broker and what it tells."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from openline.hub.brokers.base import BrokerDown
from openline.hub.brokers.redis import RedisBroker
from openline.hub.publication import HistoryOptions, Payload, Publication, StreamPosition
from openline.testing.broker_stage import Heard

KEPT = HistoryOptions(100_000, 600.0)
QUICK = {
    "reconnect_max": 0.2,
    "command_timeout": 1.0,
    "ping_interval": 0.5,
    "connect_timeout": 1.0,
    "start_wait": 10.0,
}


def words(text: str) -> Publication:
    return Publication(data=Payload(f'"{text}"'.encode()))


@contextlib.asynccontextmanager
async def node(url: str, name: str = "one", **options: object) -> AsyncIterator[tuple[RedisBroker, Heard]]:
    broker = RedisBroker(url, **{**QUICK, **options})
    heard = Heard()
    await broker.start(heard, name)
    try:
        yield broker, heard
    finally:
        await broker.close()


async def publish_when_up(broker: RedisBroker, channel: str, text: str) -> StreamPosition:
    """Publish as soon as Redis is there again."""
    while True:
        try:
            return (await broker.publish(channel, words(text), history=KEPT)).position
        except BrokerDown:
            await asyncio.sleep(0.01)
