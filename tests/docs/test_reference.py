"""`make docs` generates the reference, and every public name stands in it with an explanation."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import openline
import openline.hub
import openline.sync
from openline.hub import ChannelOptions, Hub, HubOptions, Namespace, TokenOptions
from openline.hub.config.reference import options_of

ROOT = Path(__file__).parents[2]
OPTIONS = [ChannelOptions, HubOptions, TokenOptions]
FIELDS = [(record, field.name) for record in OPTIONS for field in dataclasses.fields(record)]


def public_names(package: object) -> list[str]:
    if hasattr(package, "__all__"):
        return list(package.__all__)
    return [
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    ]


@pytest.mark.parametrize("package", [openline, openline.sync, openline.hub], ids=lambda one: one.__name__)
def test_every_public_name_has_a_docstring(package: object) -> None:
    silent = [
        name
        for name in public_names(package)
        if callable(getattr(package, name)) and not getattr(package, name).__doc__
    ]
    assert not silent


@pytest.mark.parametrize("cls", [Hub, Namespace])
def test_every_public_method_of_a_hub_has_a_docstring(cls: type) -> None:
    silent = [
        name
        for name in dir(cls)
        if not name.startswith("_") and callable(getattr(cls, name)) and not getattr(cls, name).__doc__
    ]
    assert not silent


@pytest.mark.parametrize("record", OPTIONS)
def test_every_option_is_explained(record: type) -> None:
    silent = [option.name for option in options_of(record, record()) if not option.text]
    assert not silent


@pytest.mark.timeout(180)
@pytest.mark.skipif(find_spec("pdoc") is None, reason="pdoc is not installed (the extra `dev` has it)")
def test_the_reference_is_generated_and_holds_every_public_name() -> None:
    ended = subprocess.run([sys.executable, "tools/reference.py"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "Warn" not in ended.stderr

    def documented(page: str) -> set[str]:
        return set(re.findall(r'\bid="([\w.]+)"', (ROOT / "build" / "docs" / page).read_text()))

    for page, package in (("openline.html", openline), ("openline/sync.html", openline.sync)):
        assert documented(page) >= set(public_names(package))
    known = documented("openline/hub.html")
    assert known >= set(public_names(openline.hub))
    assert known >= {f"{record.__name__}.{name}" for record, name in FIELDS}
    assert known >= {
        f"{cls.__name__}.{name}" for cls in (Hub, Namespace) for name in dir(cls) if not name.startswith("_")
    }
