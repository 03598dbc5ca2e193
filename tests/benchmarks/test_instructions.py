"""benchmarks/instructions: the check notices what grew, and knows where it does not apply."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.instructions import __main__ as command
from benchmarks.instructions.check import Accepted
from benchmarks.instructions.scripts import SCRIPTS, reads_of, some_frames

ENVIRONMENT = {"python": "CPython 3.11.7", "compiler": "cc 12.2.0"}
ACCEPTED = Accepted(ENVIRONMENT, {"parse": 1000, "echo": 200})


def test_a_count_may_grow_by_five_percent() -> None:
    lines, good = ACCEPTED.verdicts({"parse": 1050, "echo": 190})
    assert good
    assert lines[0] == "parse: 1,050 instructions, +5.00% from 1,000: ok"


def test_a_count_that_grew_more_is_named() -> None:
    lines, good = ACCEPTED.verdicts({"parse": 1000, "echo": 211})
    assert not good
    assert lines[1] == "echo: 211 instructions, +5.50% from 200: GREW by more than 5%"


def test_a_count_that_fell_is_told_to_be_kept() -> None:
    lines, good = ACCEPTED.verdicts({"parse": 900, "echo": 200})
    assert good
    assert "bench-accept" in lines[0]


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        pytest.param({"parse": 1000}, "echo: was not counted", id="gone"),
        pytest.param({"parse": 1000, "echo": 200, "new": 1}, "new: never accepted", id="new"),
    ],
)
def test_every_script_has_a_count(counts: dict[str, int], line: str) -> None:
    lines, good = ACCEPTED.verdicts(counts)
    assert not good
    assert line in lines


def test_applies_to_what_it_was_taken_on_alone() -> None:
    assert ACCEPTED.differences(ENVIRONMENT) == []
    assert ACCEPTED.differences(ENVIRONMENT | {"compiler": "cc 14"}) == [
        "compiler: 'cc 14', accepted on 'cc 12.2.0'"
    ]
    assert ACCEPTED.differences(ENVIRONMENT | {"cpu features": "avx2"}) == [
        "cpu features: 'avx2', accepted on None"
    ]


def test_survives_being_written_down(tmp_path: Path) -> None:
    ACCEPTED.write(tmp_path / "accepted.json")
    assert Accepted.read(tmp_path / "accepted.json") == ACCEPTED


def test_every_script_was_accepted() -> None:
    assert json.loads(command.ACCEPTED.read_text())["counts"].keys() == SCRIPTS.keys()


def test_where_it_does_not_apply_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["instructions"])
    monkeypatch.setattr(command.shutil, "which", lambda name: "/usr/bin/valgrind")
    monkeypatch.setattr(command.counter, "build", lambda: Path("counting.so"))
    monkeypatch.setattr(command, "environment", lambda: {"python": "another"})
    assert command.main() == 0
    said = capsys.readouterr().out
    assert "do not apply here" in said
    assert "python: 'another'" in said


def test_the_frames_are_cut_within_frames() -> None:
    frames = list(some_frames(100))
    reads = reads_of(frames)
    assert b"".join(reads) == b"".join(frames)
    assert len(reads) == 5
    assert len(reads[0]) == sum(map(len, frames[:24])) + 5
