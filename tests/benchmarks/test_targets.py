"""benchmarks/targets: a figure is held against what it is to be held against."""

from __future__ import annotations

from benchmarks.cell import Sample
from benchmarks.peers import PEERS, find
from benchmarks.targets import TARGETS, Target
from benchmarks.works import WORKS

MEDIANS = {
    "echo64": {"openline-listener": Sample(cpu_us=5, p999_us=100), "limit": Sample(cpu_us=4)},
    "echo64c15000": {"openline-listener": Sample(cpu_us=9), "limit": Sample(cpu_us=6)},
    "echo64flood": {"openline-listener": Sample(p999_us=140)},
}


def medians(work: str) -> dict[str, Sample]:
    return MEDIANS.get(work, {})


def test_beside_a_peer() -> None:
    target = Target("echo64", "openline-listener", "limit", 1.2)
    assert target.value(medians) == 1.25
    assert not target.met(1.25)


def test_in_shape() -> None:
    assert Target("echo64c15000", "openline-listener", "limit", 1.15, base="echo64").value(medians) == 1.2
    flood = Target("echo64flood", "openline-listener", None, 1.5, "p999_us", base="echo64")
    assert flood.value(medians) == 1.4
    assert flood.met(1.4)


def test_none_where_something_was_not_measured() -> None:
    assert Target("echo64", "openline-listener", "picows", 1.0).value(medians) is None
    assert Target("echo64c15000", "openline-listener", "limit", 1.15, base="echo64c1").value(medians) is None


def test_every_target_is_of_a_work_that_its_peers_do() -> None:
    for target in TARGETS:
        assert target.work in WORKS
        assert target.base is None or target.base in WORKS
        assert find(target.ours)
        assert target.theirs is None or find(target.theirs).name.partition("@")[0] in PEERS
