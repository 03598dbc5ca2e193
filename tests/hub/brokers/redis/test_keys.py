"""Names in Redis."""

from __future__ import annotations

from redis.crc import key_slot

from openline.hub.brokers.redis.keys import Keys, once


def test_channels_and_control_channels_do_not_meet() -> None:
    keys = Keys("p")
    names = [keys.channel("nodes"), keys.channel("node:1"), keys.channel(""), keys.all_nodes, keys.node("1")]
    assert len(set(names)) == len(names)
    assert keys.channel("chat:lobby") == b"{p:chat:lobby}"


def test_an_idempotency_key_may_be_of_any_length_and_belongs_to_its_channel() -> None:
    channel = Keys("p").channel("a")
    key = once(channel, "x" * 100_000)
    assert len(key) < 100
    assert key != once(channel, "x" * 100_001)
    assert key_slot(key) == key_slot(channel)
