"""Many rows in one statement: each statement gives up the interpreter's lock, and has to wait to get it back."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

__all__ = ["Rows"]

# Any number is the sum of few of these; 128 rows of 7 values are fewer than the 999 that old builds of SQLite take.
_CHUNKS = (128, 64, 32, 16, 8, 4, 2, 1)


class Rows:
    """An INSERT for any number of rows.

    Args:
        insert: The statement up to VALUES.
        columns: Values of a row.
        conflict: What stands behind the rows.
    """

    def __init__(self, insert: str, columns: int, conflict: str = "") -> None:
        row = f"({', '.join('?' * columns)})"
        self._columns = columns
        self._statements = [
            (count, f"{insert} VALUES {', '.join([row] * count)} {conflict}") for count in _CHUNKS
        ]

    def write(self, connection: sqlite3.Connection, values: Sequence[object]) -> None:
        """Write rows, whose values stand one after the other."""
        at, end = 0, len(values)
        for count, statement in self._statements:
            step = count * self._columns
            while end - at >= step:
                connection.execute(statement, values[at : at + step])
                at += step
