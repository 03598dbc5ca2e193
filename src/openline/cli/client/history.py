"""What a person has sent before, kept from one run to the next."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import History, InMemoryHistory

from openline.cli.directories import state_directory

# Entries that are kept; the file is cut back to them once it holds twice as many.
HISTORY_LENGTH = 1000


class BoundedHistory(History):
    """A file with one JSON string a line, the newest last.

    Args:
        path: The file; made when it is missing, readable for its owner alone, since messages hold secrets.

    Raises:
        OSError: the file can neither be made nor opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        self._path = path

    def load_history_strings(self) -> Iterable[str]:
        """Return the kept entries, newest first. A line that is none (a run was killed) is left out."""
        entries: list[str] = []
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, str):
                entries.append(entry)
        if len(entries) > 2 * HISTORY_LENGTH:
            del entries[:-HISTORY_LENGTH]
            self._path.write_text("".join(map(_line, entries)), encoding="utf-8")
        return reversed(entries)

    def store_string(self, string: str) -> None:
        """Append an entry."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(string))


def _line(entry: str) -> str:
    return json.dumps(entry) + "\n"


def open_history() -> History:
    """Return the history of this user; one that forgets where no file can be kept."""
    try:
        return BoundedHistory(state_directory() / "history")
    except OSError:
        return InMemoryHistory()
