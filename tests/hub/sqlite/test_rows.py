"""Many rows in one statement."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from openline.hub.sqlite.rows import Rows


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 100, 127, 128, 129, 1000])
def test_any_number_of_rows_is_written_in_few_statements(count: int) -> None:
    rows = Rows("INSERT INTO t (a, b)", 2)
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a, b)")
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        rows.write(connection, [value for n in range(count) for value in (n, -n)])
        connection.set_trace_callback(None)
        assert connection.execute("SELECT a, b FROM t ORDER BY rowid").fetchall() == [
            (n, -n) for n in range(count)
        ]
        assert len(statements) <= count // 128 + 7


def test_a_conflict_can_be_an_update() -> None:
    rows = Rows("INSERT INTO t (a, b)", 2, "ON CONFLICT (a) DO UPDATE SET b = excluded.b")
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b)")
        rows.write(connection, [1, "x", 2, "y", 3, "z"])
        rows.write(connection, [2, "Y", 4, "w"])
        assert connection.execute("SELECT b FROM t ORDER BY a").fetchall() == [("x",), ("Y",), ("z",), ("w",)]
