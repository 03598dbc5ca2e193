"""How a connection to the file is set up, and what is found out when it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

__all__ = ["BadFile", "Synchronous", "boot_id", "mark_clean", "open_connection"]

Synchronous = Literal["normal", "full"]

_APPLICATION_ID = 0x6F6C6E65
_VERSION = 1
_BUSY = 5.0  # seconds that a tool which reads or copies the file may hold us up

_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    channel TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    top INTEGER NOT NULL,
    low INTEGER NOT NULL,       -- offsets up to this one are gone
    expires REAL NOT NULL,      -- the publications, in seconds since 1970
    forgotten REAL NOT NULL     -- the stream itself
);
-- In the order of time, whatever the stream: a transaction then writes a few pages, not one for each stream.
CREATE TABLE publications (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,     -- offsets
    last INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX publications_of_stream ON publications (stream, last);
-- Also in the order of time, which is that of expiry. They are looked up in memory.
CREATE TABLE keys (
    id INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    key TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    expires REAL NOT NULL
);

CREATE TABLE logs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    last INTEGER NOT NULL,
    length INTEGER NOT NULL
);
CREATE TABLE entries (
    log INTEGER NOT NULL,
    number INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (log, number)
) WITHOUT ROWID;
CREATE TABLE rows (
    "table" TEXT NOT NULL,
    key BLOB NOT NULL,          -- UTF-8
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY ("table", key)
) WITHOUT ROWID;
"""


class BadFile(Exception):
    """The file is another program's, or of a newer openline."""


def boot_id() -> str:
    """Return what tells this run of the machine from others; empty where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def open_connection(
    path: str, synchronous: Synchronous, max_size: int | None, boot: str
) -> sqlite3.Connection:
    """Open the file, or make it.

    With ``synchronous="normal"`` a commit survives the death of the process, but the last ones may be lost with the
    power. Offsets of the lost ones would be given twice; so after a run that was not closed, in a machine that has been
    started anew since, all streams get a new epoch: clients hear that they may have missed something.

    Args:
        path: The file.
        synchronous: What a commit waits for: the kernel (normal), or the disk (full).
        max_size: Bytes that the file may have; None: no bound.
        boot: What `boot_id` returns.

    Raises:
        BadFile: It is not ours.
        sqlite3.Error: SQLite cannot open it.
    """
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, cached_statements=256)
    try:
        _check(connection, path)
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # counts only while the file is empty
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise BadFile(f"{path}: SQLite cannot use a write-ahead log here (journal_mode is {mode})")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA journal_size_limit = {64 * 2**20}")
        connection.execute(f"PRAGMA cache_size = -{16 * 2**10}")
        if max_size is not None:
            (page,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count = {max(max_size // page, 64)}")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if not version:
            for statement in _TABLES.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        facts: dict[str, str] = dict(connection.execute("SELECT name, value FROM facts"))
        survived = facts.get("synchronous") != "normal" or (bool(boot) and facts.get("boot") == boot)
        if facts.get("closed") == "no" and not survived:
            connection.execute("UPDATE streams SET epoch = lower(hex(randomblob(6)))")
            connection.execute("DELETE FROM keys")
        connection.executemany(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)",
            [("boot", boot), ("synchronous", synchronous), ("closed", "no")],
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: str) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != _APPLICATION_ID and (application or version or tables):
        raise BadFile(f"{path} is the database of another program")
    if version > _VERSION:
        raise BadFile(
            f"{path} was written by a newer openline (version {version}; this one knows {_VERSION})"
        )


def mark_clean(connection: sqlite3.Connection) -> None:
    """Note that all is on the disk; the last thing before the connection is closed."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA synchronous = full")
    connection.execute("UPDATE facts SET value = 'yes' WHERE name = 'closed'")
