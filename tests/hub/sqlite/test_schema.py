"""Opening a file, and what a loss of power means."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from openline.hub.sqlite.schema import Synchronous, boot_id, mark_clean, open_connection


def run(path: Path, synchronous: Synchronous, boot: str, *, clean: bool) -> list[str]:
    """One run of a process: return the epochs it finds; add a stream; end well or not."""
    with contextlib.closing(open_connection(str(path), synchronous, None, boot)) as connection:
        epochs = [epoch for (epoch,) in connection.execute("SELECT epoch FROM streams ORDER BY id")]
        number = len(epochs)
        connection.execute(
            "INSERT INTO streams VALUES (?, ?, ?, 1, 0, 0, 0)", (number, f"c{number}", f"e{number}")
        )
        connection.execute("INSERT INTO keys VALUES (?, 'c', 'k', 1, 'e0', 1e12)", (number,))
        if clean:
            mark_clean(connection)
        return epochs


def test_a_boot_has_a_name() -> None:
    assert boot_id() == boot_id()


def test_epochs_go_on_after_a_clean_end_in_another_boot(tmp_path: Path) -> None:
    run(tmp_path / "x.db", "normal", "boot 1", clean=True)
    assert run(tmp_path / "x.db", "normal", "boot 2", clean=True) == ["e0"]


def test_epochs_go_on_after_a_kill_in_the_same_boot(tmp_path: Path) -> None:
    run(tmp_path / "x.db", "normal", "boot 1", clean=False)
    assert run(tmp_path / "x.db", "normal", "boot 1", clean=False) == ["e0"]


def test_epochs_are_new_when_the_machine_went_down_meanwhile(tmp_path: Path) -> None:
    run(tmp_path / "x.db", "normal", "boot 1", clean=True)
    run(tmp_path / "x.db", "normal", "boot 1", clean=False)
    epochs = run(tmp_path / "x.db", "normal", "boot 2", clean=False)
    assert len(set(epochs) | {"e0", "e1"}) == 4  # two new ones, and not the same
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        # Their results name epochs that are no more; the one is of the last run.
        assert connection.execute("SELECT count(*) FROM keys").fetchone() == (1,)


def test_epochs_go_on_when_every_commit_was_on_the_disk(tmp_path: Path) -> None:
    run(tmp_path / "x.db", "full", "boot 1", clean=False)
    assert run(tmp_path / "x.db", "full", "boot 2", clean=False) == ["e0"]


def test_epochs_are_new_where_boots_have_no_names(tmp_path: Path) -> None:
    run(tmp_path / "x.db", "normal", "", clean=False)
    assert run(tmp_path / "x.db", "normal", "", clean=False) != ["e0"]


def test_a_clean_end_leaves_one_file(tmp_path: Path) -> None:
    run(tmp_path / "x.db", "normal", "boot", clean=True)
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]


@pytest.mark.parametrize(("synchronous", "number"), [("normal", 1), ("full", 2)])
def test_the_connection_is_set_up(tmp_path: Path, synchronous: Synchronous, number: int) -> None:
    with contextlib.closing(
        open_connection(str(tmp_path / "x.db"), synchronous, 10_000_000, "b")
    ) as connection:
        asked = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "auto_vacuum", "max_page_count")
        }
    assert asked == {
        "journal_mode": "wal",
        "synchronous": number,
        "auto_vacuum": 2,
        "max_page_count": 10_000_000 // 4096,
    }
