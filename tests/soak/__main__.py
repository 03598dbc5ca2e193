"""Let connections come, talk and go, and watch what that leaves behind.

Usage: python -m tests.soak [SECONDS] [lines] [pages]

Without SECONDS: ten minutes, for each part; without a part: both, one after the other. The seeds are printed; the exit
status is 1 when something was lost or left behind.
"""

from __future__ import annotations

import asyncio
import sys

from .lines import soak_lines
from .pages import soak_pages

SECONDS = 600.0
PARTS = {"lines": soak_lines, "pages": soak_pages}


async def soak(seconds: float, parts: list[str]) -> None:
    """Run the parts."""
    for part in parts:
        await PARTS[part](seconds)


if __name__ == "__main__":
    numbers = [float(word) for word in sys.argv[1:] if word not in PARTS]
    asyncio.run(
        soak(*(numbers or [SECONDS]), [word for word in sys.argv[1:] if word in PARTS] or list(PARTS))
    )
