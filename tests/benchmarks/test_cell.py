"""benchmarks/cell: what is measured otherwise than by the load client, once, briefly."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks import cell, native
from benchmarks.cell import Timing, measure
from benchmarks.machine import choose_cores
from benchmarks.peers import PEERS
from benchmarks.works import WORKS

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")

BRIEF = Timing(0.05, 0.2)
LISTENER = PEERS["openline-listener"]


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OPENLINE_ENGINE", raising=False)
    native.build()
    return iter([None])


@pytest.mark.parametrize("name", ["openline-listener", "openline-coroutine"])
def test_a_client(name: str) -> None:
    sample = measure(replace(WORKS["client64"], connections=3), PEERS[name], choose_cores(), BRIEF)
    assert sample.rate is not None
    assert sample.rate > 0
    assert sample.cpu_us is not None
    assert sample.cpu_us > 0


def test_loading() -> None:
    sample = measure(WORKS["import"], LISTENER, choose_cores(), BRIEF)
    assert sample.import_us is not None
    assert sample.import_us > 0


@pytest.mark.parametrize("beside", ["flood", "deaf", "large"])
def test_beside_somebody(beside: str) -> None:
    work = replace(WORKS[f"echo64{beside}"], connections=3)
    sample = measure(work, LISTENER, choose_cores(), BRIEF)
    assert sample.p999_us is not None
    assert sample.p999_us > 0


def test_a_game() -> None:
    work = replace(WORKS["game"], connections=8)
    sample = measure(work, PEERS["openline-rooms"], choose_cores(), BRIEF)
    assert sample.cpu_share is not None
    assert sample.cpu_share > 0
    assert sample.p99_us is not None
    assert sample.p99_us > 0


def test_editors() -> None:
    work = replace(WORKS["editing"], connections=3)
    sample = measure(work, PEERS["openline-documents"], choose_cores(), BRIEF)
    assert sample.p99_us is not None
    assert sample.p99_us > 0
    assert sample.open_us is not None
    assert sample.open_us > 0


def test_inboxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell, "_OPERATIONS", 40)
    work = replace(WORKS["inbox"], users=20)
    sample = measure(work, PEERS["openline-inbox"], choose_cores(), BRIEF)
    assert None not in (sample.cpu_us, sample.read_us, sample.mark_us)
    assert sample.cpu_us != sample.read_us


def test_several_processes() -> None:
    work = replace(WORKS["workers"], connections=8)
    sample = measure(work, PEERS["openline-workers-2"], choose_cores(), BRIEF)
    assert sample.cpu_us is not None
    assert sample.cpu_us > 0
