"""Options of brokers, by their URLs."""

from __future__ import annotations

import pytest

from openline.hub.config.broker_kinds import broker_kinds
from openline.hub.config.values import describe


def test_memory() -> None:
    assert broker_kinds("memory://") == {"max_size": int, "max_keys_size": int, "presence_ttl": float}


def test_sqlite() -> None:
    kinds = broker_kinds("sqlite:///x.db")
    assert "path" not in kinds
    assert "clock" not in kinds
    assert kinds["max_waiting"] is int
    assert "full" in describe(kinds["synchronous"])


@pytest.mark.parametrize("url", ["redis://h", "rediss://h", "redis+sentinel://h/m", "redis+cluster://h"])
def test_redis(url: str) -> None:
    kinds = broker_kinds(url)
    assert kinds["durable"] is bool
    assert kinds["prefix"] is str
    assert kinds["max_waiting"] is int


def test_another_one() -> None:
    for url in ("nats://h", "", "x"):
        with pytest.raises(ValueError, match="must begin with"):
            broker_kinds(url)
