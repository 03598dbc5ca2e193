"""What was sent before is kept, within a bound, for its owner alone."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from websockets.sync.server import ServerConnection

from openline.cli.client.history import HISTORY_LENGTH, BoundedHistory
from tests.cli.peers import peer
from tests.cli.terminal import Terminal

ENTER, CTRL_C, CTRL_D, UP = "\r", "\x03", "\x04", "\x1b[A"


def describe(ws: ServerConnection) -> None:
    for message in ws:
        ws.send(f"got {message!r}")


def test_history_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    with peer(describe) as url:
        with Terminal("connect", url, home=tmp_path) as terminal:
            terminal.expect(">")
            terminal.type("secret" + ENTER)
            terminal.expect("< got 'secret'")
            terminal.type(CTRL_D)
            assert terminal.end() == 0
        path = tmp_path / "state/openline/history"
        assert json.loads(path.read_text()) == "secret"
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with Terminal("connect", url, home=tmp_path) as terminal:
            terminal.expect(">")
            terminal.type(UP + ENTER)
            terminal.expect("< got 'secret'")


def test_the_file_is_cut_back_to_the_newest_entries(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = BoundedHistory(path)
    for number in range(2 * HISTORY_LENGTH + 1):
        history.store_string(f"entry {number}\nwith two lines")
    kept = list(BoundedHistory(path).load_history_strings())
    assert len(kept) == HISTORY_LENGTH == len(path.read_text().splitlines())
    assert kept[0] == f"entry {2 * HISTORY_LENGTH}\nwith two lines"


def test_half_a_line_of_a_killed_run_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text('"one"\n"tw\n{}\n"three"\n')
    assert list(BoundedHistory(path).load_history_strings()) == ["three", "one"]
