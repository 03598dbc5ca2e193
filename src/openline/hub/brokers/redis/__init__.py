"""The broker for many nodes: Redis 7 and newer, single, under Sentinel or as a Cluster, sharded by channel."""

from __future__ import annotations

from openline.hub.brokers.redis.broker import RedisBroker

__all__ = ["RedisBroker"]
