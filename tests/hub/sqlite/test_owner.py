"""The lock beside a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from openline.hub.sqlite.owner import AlreadyOwned, Owner


def test_one_has_it_and_the_next_gets_it(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    owner = Owner(path)
    with pytest.raises(AlreadyOwned, match=f"{path} is in use by process {os.getpid()}"):
        Owner(path)
    owner.release()
    Owner(path).release()


def test_an_owner_without_a_name_is_told_as_unknown(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    owner = Owner(path)
    os.truncate(f"{path}-lock", 0)
    with pytest.raises(AlreadyOwned, match="process unknown"):
        Owner(path)
    owner.release()


def test_a_shorter_process_id_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    Path(f"{path}-lock").write_text("9999999999\n")
    owner = Owner(path)
    assert Path(f"{path}-lock").read_text() == f"{os.getpid()}\n"
    owner.release()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Owner(str(tmp_path / "no" / "x.db"))
