"""What all checks say when they fail, and how they wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["PATIENCE", "expect", "until"]

PATIENCE = 10.0
"""Seconds that a check waits for what must come."""


def expect(condition: bool, contract: str) -> None:
    """Fail where a sentence of the contract does not hold. No ``assert``: it must work under ``python -O``, too."""
    if not condition:
        raise AssertionError(contract)


async def until(condition: Callable[[], Awaitable[bool]], contract: str, patience: float = PATIENCE) -> None:
    """Ask again and again until it is so; fail after ``patience`` seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    while not await condition():
        expect(loop.time() < end, f"within {patience:g} s: {contract}")
        await asyncio.sleep(0.02)
