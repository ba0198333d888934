"""The tables of study.db, and how it is opened."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.errors import BadFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 2
READABLE = (1, SCHEMA)
"""Schema 1 knows no sweeps: its runs have no point."""
DATABASE = "study.db"
_BUSY_SECONDS = 30.0
_REMOTE = ("nfs", "cifs", "smb", "9p", "afs", "lustre", "gpfs", "ceph", "fuse.sshfs")

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY, arm TEXT NOT NULL, rate REAL NOT NULL,
    seed INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0, parameters INTEGER, init_digest TEXT,
    batch_digest TEXT, tensor_digests TEXT NOT NULL DEFAULT '{}',
    correct BLOB, images INTEGER, diverged_step INTEGER, test_loss REAL,
    test_accuracy REAL, seconds REAL, point TEXT NOT NULL DEFAULT '[]',
    UNIQUE (arm, rate, seed, point)
);
CREATE TABLE epochs (
    run INTEGER NOT NULL REFERENCES runs, epoch INTEGER NOT NULL,
    last_step INTEGER NOT NULL, train_loss REAL, test_loss REAL, test_accuracy REAL,
    metrics TEXT NOT NULL, seconds REAL NOT NULL, batch_digest TEXT NOT NULL,
    PRIMARY KEY (run, epoch)
) WITHOUT ROWID;
CREATE TABLE glimpses (
    run INTEGER NOT NULL REFERENCES runs, step INTEGER NOT NULL, loss REAL,
    accuracy REAL, PRIMARY KEY (run, step)
) WITHOUT ROWID;
CREATE TABLE steps (
    run INTEGER NOT NULL REFERENCES runs, first INTEGER NOT NULL,
    last INTEGER NOT NULL, losses BLOB NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (run, first)
);
CREATE TABLE measurements (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def make(folder: Path, facts: Mapping[str, str]) -> None:
    """Write a study.db without runs into the folder, whole or not at all."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as made:
        made.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {SCHEMA};")
        made.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        made.execute("COMMIT")


def to_read(folder: Path) -> sqlite3.Connection:
    """Open study.db read-only; works beside a conductor and after its death."""
    uri = f"{(folder / DATABASE).resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    return _of_known_schema(connection, folder)


def to_write(folder: Path) -> sqlite3.Connection:
    """Open study.db to conduct the study, with a write-ahead log where that works."""
    uri = f"{(folder / DATABASE).resolve().as_uri()}?mode=rw"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    _of_known_schema(connection, folder)
    try:
        _bring_up_to_date(connection)
        # the log's shared memory needs all processes on one machine; where WAL is
        # refused the pragma leaves the mode as it is
        journal = "DELETE" if is_remote(folder) else "WAL"
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("PRAGMA synchronous=NORMAL")
    except BaseException:  # a full disk
        connection.close()
        raise
    return connection


def settle(connection: sqlite3.Connection) -> None:
    """Close so that study.db is one plain file again.

    A reader at that very moment keeps the log; it goes at the next clean end.
    """
    try:
        connection.execute("PRAGMA busy_timeout=2000")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
    finally:
        connection.close()


def is_remote(folder: Path, mounts: Path = Path("/proc/mounts")) -> bool:
    """Whether the folder lies on a network file system, as far as can be told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    here, kind, longest = folder.resolve(), "", -1
    for line in lines:
        _, place, name, *_ = line.split()
        place = place.replace("\\040", " ")
        if here.is_relative_to(place) and len(place) >= longest:
            kind, longest = name, len(place)
    return kind.startswith(_REMOTE)


def _of_known_schema(
    connection: sqlite3.Connection, folder: Path
) -> sqlite3.Connection:
    try:
        _refuse_unknown(connection, folder)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_unknown(connection: sqlite3.Connection, folder: Path) -> None:
    # the file's header is there without any table; the facts are what people read
    for question in (
        "PRAGMA user_version",
        "SELECT value FROM meta WHERE key = 'schema'",
    ):
        for (version,) in connection.execute(question):
            if str(version) not in map(str, READABLE):
                known = " and ".join(map(str, READABLE))
                raise BadFolder(
                    f"{folder}: study.db has schema {version}, and this normlab reads "
                    f"schema {known}. Use the normlab that wrote it, or a newer one."
                )


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Add what schema 1 lacks; its runs are those of a study without a sweep."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < SCHEMA:
        connection.executescript(
            "BEGIN IMMEDIATE; "
            "ALTER TABLE runs ADD COLUMN point TEXT NOT NULL DEFAULT '[]'; "
            f"UPDATE meta SET value = '{SCHEMA}' WHERE key = 'schema'; "
            f"PRAGMA user_version = {SCHEMA}; COMMIT;"
        )
