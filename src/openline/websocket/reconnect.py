"""When to try again, and after how long: the rules of ``async for ws in connect(...)``."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

from openline.exceptions import InvalidMessage, InvalidStatus

__all__ = ["backoff", "process_exception"]

# RFC 6455 section 7.2.3: the first delay should be random, 0 to 5 seconds being a reasonable choice, and later ones
# should grow by truncated binary exponential backoff. A minute is long enough to let a server come back to life.
BACKOFF_INITIAL_DELAY = float(os.environ.get("OPENLINE_BACKOFF_INITIAL_DELAY", "5"))
BACKOFF_MAX_DELAY = float(os.environ.get("OPENLINE_BACKOFF_MAX_DELAY", "60"))
BACKOFF_FACTOR = float(os.environ.get("OPENLINE_BACKOFF_FACTOR", "2"))

_RETRYABLE_STATUSES = frozenset({500, 502, 503, 504})


def backoff(
    initial_delay: float = BACKOFF_INITIAL_DELAY,
    max_delay: float = BACKOFF_MAX_DELAY,
    factor: float = BACKOFF_FACTOR,
) -> Iterator[float]:
    """Generate the delays between attempts to connect, without end.

    Each delay is drawn evenly between 0 and a ceiling (*full* jitter), so that the clients of a server that went down
    do not come back in waves; the ceiling grows with each attempt (RFC 6455 section 7.2.3).

    Args:
        initial_delay: Ceiling of the first delay, in seconds.
        max_delay: Where the ceiling stops growing, in seconds.
        factor: By what the ceiling grows with each attempt.

    Yields:
        How many seconds to wait before the next attempt.
    """
    ceiling = initial_delay
    while True:
        ceiling = min(ceiling, max_delay)
        yield random.uniform(0, ceiling)
        ceiling *= factor


def process_exception(exc: Exception) -> Exception | None:
    """Tell whether an error in connecting may pass (None) or will not (the exception to raise).

    What may pass: network errors and timeouts (`OSError`, which includes `TimeoutError`), a connection lost in the
    middle of the opening handshake, and the statuses 500, 502, 503 and 504.

    Args:
        exc: What ``connect`` raised.

    Returns:
        None to try again, else the exception with which the loop ends.
    """
    if isinstance(exc, OSError):
        return None
    if isinstance(exc, InvalidMessage) and isinstance(exc.__cause__, EOFError):
        return None
    if isinstance(exc, InvalidStatus) and exc.response.status_code in _RETRYABLE_STATUSES:
        return None
    return exc
