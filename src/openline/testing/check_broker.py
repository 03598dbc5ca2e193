"""The conformance suite of `openline.hub.brokers.base.Broker`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from openline.testing import broker_nodes, broker_presence, broker_streams
from openline.testing.broker_stage import BrokerStage, MakeBroker
from openline.testing.fake_clock import FakeClock

__all__ = ["BROKER_CHECKS", "check_broker"]

_CHECKS: dict[str, Callable[[BrokerStage], Awaitable[None]]] = {
    check.__name__: check for check in (*broker_nodes.CHECKS, *broker_streams.CHECKS, *broker_presence.CHECKS)
}

BROKER_CHECKS: Final = tuple(_CHECKS)
"""The names of the checks, for a test framework's parameters."""


async def check_broker(
    make_broker: MakeBroker,
    *,
    clock: FakeClock | None = None,
    durable: bool = False,
    suspends: bool = True,
    only: str | None = None,
) -> None:
    """Check that a broker keeps its contract.

    Checks use channels that nobody else has, so that one storage can serve all of them. Those about several nodes are
    made only where the broker says that it is ``shared``.

    Args:
        make_broker: Called with ``presence_ttl=`` (seconds), returns a broker that is not started. All brokers of one
            check must have the same storage behind them. Where the broker is not shared, there is never more than one
            open at a time.
        clock: What the brokers made go by, for expiry. None: they go by this machine's time, and checks of expiry take
            some seconds.
        durable: Streams and idempotency keys outlive `Broker.close`.
        suspends: False: no call ever suspends, as the contract promises of a broker in memory.
        only: One of `BROKER_CHECKS`; None: all of them, one after the other.

    Raises:
        AssertionError: the sentence of the contract that does not hold.
        ValueError: there is no such check.
    """
    if only is not None and only not in _CHECKS:
        raise ValueError(f"no such check: {only}; there are {', '.join(_CHECKS)}")
    for name in _CHECKS if only is None else (only,):
        stage = BrokerStage(make_broker, clock=clock, durable=durable, suspends=suspends)
        try:
            await _CHECKS[name](stage)
        finally:
            await stage.close()
