"""Idempotency keys and their bound."""

from __future__ import annotations

from openline.hub.brokers.idempotency import IdempotencyKeys
from openline.hub.publication import StreamPosition


def position(n: int) -> StreamPosition:
    return StreamPosition(n, "e")


def test_a_key_is_known_until_its_deadline() -> None:
    keys = IdempotencyKeys(10_000)
    keys.add("c", "k", position(1), 100.0)
    assert keys.get("c", "k", 99.9) == position(1)
    assert keys.get("c", "k", 100.0) is None
    assert keys.get("d", "k", 0.0) is None


def test_the_oldest_are_forgotten_at_the_bound_and_counted() -> None:
    keys = IdempotencyKeys(3600)
    for n in range(20):
        keys.add("c", f"key{n}", position(n), 100.0 + n)
    assert len(keys) == 10
    assert keys.forgotten == 10
    assert keys.get("c", "key9", 0.0) is None
    assert keys.get("c", "key10", 0.0) == position(10)


def test_long_keys_count_by_their_length() -> None:
    keys = IdempotencyKeys(100_000)
    for n in range(20):
        keys.add("c", f"{n}" * 40_000, position(n), 1.0)
    assert len(keys) < 3


def test_expired_keys_give_back_their_memory_step_by_step() -> None:
    keys = IdempotencyKeys(100_000)
    for n in range(10):
        keys.add("c", f"key{n}", position(n), float(n))
    keys.expire(5.0, most=2)
    assert len(keys) == 8
    keys.expire(5.0, most=100)
    assert len(keys) == 4
    assert keys.forgotten == 0


def test_a_key_that_comes_again_is_the_newest() -> None:
    keys = IdempotencyKeys(100_000)
    keys.add("c", "a", position(1), 10.0)
    keys.add("c", "b", position(2), 11.0)
    keys.add("c", "a", position(3), 12.0)
    keys.expire(11.5, most=10)
    assert keys.get("c", "a", 11.5) == position(3)
    assert len(keys) == 1
