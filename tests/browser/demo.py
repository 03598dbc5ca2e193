"""A demo in a process of its own, and where the pictures go."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "artifacts" / "browser"


@contextmanager
def running_demo(port: int = 0) -> Iterator[str]:
    """Run ``openline demo`` in a process of its own; gives the page's address."""
    command = [sys.executable, "-m", "openline", "demo", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
            yield address
        finally:
            process.terminate()
            process.communicate(timeout=20)
