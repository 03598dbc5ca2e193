"""Look for a stream on which the protocol and the engines disagree, for as long as one likes.

Usage: python -m tests.fuzz [SECONDS]

Without SECONDS: a minute. Each round starts from a seed of its own, which is printed; what fails is shrunk, and printed
as code. There is no feedback by coverage: streams are made of frames, and nearly every one gets deep into the code.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from .streams import Stream, streams
from .subjects import through_protocol
from .test_streams import ENGINES, check_chunks, check_engines

ROUND = 500  # streams between two looks at the clock


def run_round(number: int, seen: Counter[str]) -> None:
    """Try so many streams from one seed."""

    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(stream=streams(), listener=st.booleans())
    def try_stream(stream: Stream, listener: bool) -> None:
        outcome, _ = through_protocol(stream, [stream.data])
        closes = [int.from_bytes(frame.payload[:2]) for frame in outcome.sent if frame.opcode == 8]
        seen[f"Close {closes[0] or 'empty'}" if closes else "no Close"] += 1
        seen["messages"] += len(outcome.messages)
        check_chunks(stream)
        check_engines(stream, listener)

    try_stream()


def main() -> None:
    """Fuzz until the time is over; an exception is a finding."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    end = time.monotonic() + seconds
    seen: Counter[str] = Counter()
    rounds = 0
    while time.monotonic() < end:
        number = random.SystemRandom().randrange(2**32)
        print(f"seed {number}", flush=True)
        run_round(number, seen)
        rounds += 1
    engines = " and ".join(ENGINES)
    print(f"{rounds * ROUND} streams, the bare protocol against {engines}: no difference")
    print(", ".join(f"{what}: {count}" for what, count in sorted(seen.items())))


if __name__ == "__main__":
    main()
