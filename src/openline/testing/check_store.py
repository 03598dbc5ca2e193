"""The conformance suite of `openline.hub.stores.base.Store`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from openline.hub.stores.base import Store
from openline.testing import store_logs, store_tables
from openline.testing.store_stage import StoreStage

__all__ = ["STORE_CHECKS", "check_store"]

_CHECKS: dict[str, Callable[[StoreStage], Awaitable[None]]] = {
    check.__name__: check for check in (*store_logs.CHECKS, *store_tables.CHECKS)
}

STORE_CHECKS: Final = tuple(_CHECKS)
"""The names of the checks, for a test framework's parameters."""


async def check_store(
    make_store: Callable[[], Store], *, durable: bool = True, only: str | None = None
) -> None:
    """Check that a store keeps its contract.

    Checks use logs and tables that nobody else has, so that one storage can serve all of them.

    Args:
        make_store: Returns a store that is not started. All stores of one check must have the same storage behind them;
            there is never more than one open at a time.
        durable: What is written outlives `Store.close`.
        only: One of `STORE_CHECKS`; None: all of them, one after the other.

    Raises:
        AssertionError: the sentence of the contract that does not hold.
        ValueError: there is no such check.
    """
    if only is not None and only not in _CHECKS:
        raise ValueError(f"no such check: {only}; there are {', '.join(_CHECKS)}")
    for name in _CHECKS if only is None else (only,):
        stage = StoreStage(make_store, durable=durable)
        try:
            await _CHECKS[name](stage)
        finally:
            await stage.close()
