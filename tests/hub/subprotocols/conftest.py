"""The SDK for JavaScript, installed from the lock file of tests/hub/node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = Path(__file__).parent.parent / "node"


@pytest.fixture(scope="session")
def javascript_sdk() -> Path:
    """The folder with the SDK and the programs that use it."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}")
    if not (NODE / "node_modules/centrifuge/package.json").exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=120)
        if done.returncode:
            pytest.skip(f"npm ci: {done.stderr.strip().splitlines()[-1]}")
    return NODE
