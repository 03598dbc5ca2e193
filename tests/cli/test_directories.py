"""Where the command line keeps its files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from openline.cli.directories import cache_directory, state_directory

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the customs of other platforms")


def test_the_xdg_variables_are_obeyed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert cache_directory() == tmp_path / "cache" / "openline"
    assert state_directory() == tmp_path / "state" / "openline"


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_without_them_and_for_relative_ones_the_defaults_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("XDG_STATE_HOME", value)
    assert cache_directory() == tmp_path / ".cache" / "openline"
    assert state_directory() == tmp_path / ".local/state" / "openline"
