"""`make docs` generates the reference, and every public name stands in it with an explanation."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import openline
import openline.sync

ROOT = Path(__file__).parents[2]


def public_names(package: object) -> list[str]:
    return [
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    ]


@pytest.mark.parametrize("package", [openline, openline.sync], ids=["openline", "openline.sync"])
def test_every_public_name_has_a_docstring(package: object) -> None:
    silent = [
        name
        for name in public_names(package)
        if callable(getattr(package, name)) and not getattr(package, name).__doc__
    ]
    assert not silent


@pytest.mark.timeout(120)
@pytest.mark.skipif(find_spec("pdoc") is None, reason="pdoc is not installed (the extra `dev` has it)")
def test_the_reference_is_generated_and_holds_every_public_name() -> None:
    ended = subprocess.run([sys.executable, "tools/reference.py"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "Warn" not in ended.stderr
    for page, package in (("openline.html", openline), ("openline/sync.html", openline.sync)):
        text = (ROOT / "build" / "docs" / page).read_text()
        documented = set(re.findall(r'<section id="(\w+)">', text))
        assert documented >= set(public_names(package))
