"""How a process ended, in words."""

from __future__ import annotations

import pytest

from openline.cli.server.exits import describe_exit


@pytest.mark.parametrize(
    ("status", "shown"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "SIGKILL"), (-63, "signal 63")]
)
def test_the_end_of_a_process_is_named(status: int, shown: str) -> None:
    assert describe_exit(status) == shown
