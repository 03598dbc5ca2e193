"""Processes that are not children of the test, and their end."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.terminal import PATIENCE


def children(pid: int) -> set[int]:
    """The children of a process."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@contextmanager
def process_handles(pids: set[int]) -> Iterator[list[int]]:
    """Descriptors by which the end of these processes can be awaited; they must be running."""
    handles = [os.pidfd_open(pid) for pid in pids]
    try:
        yield handles
    finally:
        for handle in handles:
            os.close(handle)


def wait_all(handles: list[int]) -> None:
    """Wait until these processes have ended."""
    left = set(handles)
    while left:
        ended, _, _ = select.select(left, [], [], PATIENCE)
        assert ended, f"{len(left)} of {len(handles)} processes outlive what should have ended them"
        left -= set(ended)
