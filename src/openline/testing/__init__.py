"""For authors of plug-ins: what checks that a broker or a store keeps its contract."""

from __future__ import annotations

from openline.testing.check_broker import BROKER_CHECKS, check_broker
from openline.testing.check_store import STORE_CHECKS, check_store
from openline.testing.fake_clock import FakeClock

__all__ = ["BROKER_CHECKS", "STORE_CHECKS", "FakeClock", "check_broker", "check_store"]
