"""benchmarks/plots: each work has its panel, each peer its bar, and the longest is the slowest."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from benchmarks.cell import Sample
from benchmarks.peers import PEERS
from benchmarks.plots import to_svg
from benchmarks.report import Results
from benchmarks.works import WORKS


def results() -> Results:
    return Results(machine={}, settings={}, started="2026-11-25T00:00:00Z", rounds=1, duration=1)


def test_a_bar_for_each_peer() -> None:
    run = results()
    run.add(WORKS["echo64"], PEERS["openline-listener"], Sample(cpu_us=4.5))
    run.add(WORKS["echo64"], PEERS["websockets"], Sample(cpu_us=18))
    run.add(WORKS["idle"], PEERS["openline-listener"], Sample(memory=1900))
    svg = to_svg(run)
    assert svg is not None
    ElementTree.fromstring(svg)
    bars = re.findall(r'<rect class="(\w+)" x="\d+" y="\d+" width="([\d.]+)"', svg)
    assert [kind for kind, _ in bars] == ["ours", "other", "ours"]
    assert float(bars[0][1]) * 4 == float(bars[1][1])
    assert WORKS["idle"].title in svg
    assert "1,900" in svg


def test_nothing_without_figures() -> None:
    run = results()
    run.add(WORKS["import"], PEERS["websockets"], Sample(import_us=1.0))
    assert to_svg(run) is None
