"""The tables of study.db, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.disk.opening import opened, size_of
from normlab.errors import BadFolder
from normlab.foreign import brief, plain, shortened
from normlab.records import _rows
from normlab.records._trouble import Odd

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 2
READABLE = (1, SCHEMA)
"""Schema 1 knows no sweeps: its runs have no point."""
DATABASE = "study.db"
_BUSY_SECONDS = 30.0
_POINT = "point TEXT NOT NULL DEFAULT '[]'"
_JOURNAL = bytes.fromhex("d9d505f920a163d7")
"""Ends a journal that names another one; begins every journal."""
_STEPS_PER_BYTE = 50
_STEPS_ANYHOW = 10_000_000
_STEPS_AT_A_TIME = 100_000
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


def fresh(facts: Mapping[str, str]) -> bytes:
    """The content of a study.db without runs."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {SCHEMA};")
        made.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        made.execute("COMMIT")
        return made.serialize()


def to_read(folder: Path) -> sqlite3.Connection:
    """Open study.db read-only; works beside a conductor and after its death.

    Where its writer was killed in the middle of a write, that is undone first, if
    this process may write there.
    """
    try:
        return _opened(folder, "ro")
    except sqlite3.OperationalError as error:
        # what Python's module itself finds wrong has no such name
        name = getattr(error, "sqlite_errorname", "")
        if name != "SQLITE_READONLY_ROLLBACK" or not _may_write(folder):
            raise
    _opened(folder, "rw").close()
    return _opened(folder, "ro")


def to_write(folder: Path) -> sqlite3.Connection:
    """Open study.db to conduct the study, with a write-ahead log where that works."""
    connection = _opened(folder, "rw")
    try:
        connection.set_progress_handler(None, 0)  # training may last for weeks
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


def _opened(folder: Path, mode: str) -> sqlite3.Connection:
    """A connection to what is surely a study.db of normlab's, of a known schema."""
    _refuse_strange_files(folder)
    uri = f"{(folder / DATABASE).resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        _bound_work(connection, _rows.bytes_of(folder))
        _refuse_unknown(connection, folder)
        _refuse_strange_tables(connection)
        _refuse_unknown_facts(connection, folder)
    except BaseException:
        connection.close()
        raise
    return connection


def _may_write(folder: Path) -> bool:
    return all(os.access(path, os.W_OK) for path in (folder, folder / DATABASE))


def _refuse_strange_files(folder: Path) -> None:
    """SQLite opens by name what lies beside study.db: all of it must be plain files."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        size_of(folder / f"{DATABASE}{suffix}", within=folder)
    journal = folder / f"{DATABASE}-journal"
    with suppress(FileNotFoundError), opened(journal, within=folder) as file:
        end = os.fstat(file.fileno()).st_size
        file.seek(max(0, end - len(_JOURNAL)))
        # it names a file anywhere, which rolling back would look into and delete;
        # normlab never writes to two databases at once
        if end > len(_JOURNAL) and file.read() == _JOURNAL:
            raise Odd("its journal leads out of the folder")


def _bound_work(connection: sqlite3.Connection, size: int) -> None:
    """Stop a question that takes more steps than the file's rows can ask for.

    Steps of SQLite's machine, no seconds: a slow disk is no damage.
    """
    left = (_STEPS_PER_BYTE * size + _STEPS_ANYHOW) // _STEPS_AT_A_TIME

    def spend() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    connection.set_progress_handler(spend, _STEPS_AT_A_TIME)


def _refuse_strange_tables(connection: sqlite3.Connection) -> None:
    """Read nothing but the tables that normlab makes, as it makes them.

    A view, a trigger, a virtual table or a computed column would be a program.
    """
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    made: set[str] = set()
    for kind, name, table, text in found:
        if kind == "index" and text is None and table in made | _rows.TABLES.keys():
            continue  # what SQLite itself makes for a key
        shape = _shape(str(text))
        if kind != "table" or name != table or shape not in _KNOWN.get(name, ()):
            raise Odd(f"it holds the {brief(kind)[1:-1]} {brief(name)}, not of normlab")
        made.add(name)
    if missing := sorted(_rows.TABLES.keys() - made):
        raise Odd(f"table {missing[0]} is missing")


def _shape(text: str) -> str:
    return "".join(text.split())


def _known_shapes() -> dict[str, set[str]]:
    """Of each table, how it was ever made."""
    shapes = {
        text.split()[2]: {_shape(text)} for text in TABLES.split(";") if text.strip()
    }
    (now,) = shapes["runs"]
    upgraded = now.replace("seed,point)", "seed)")  # as ALTER TABLE leaves schema 1
    shapes["runs"] |= {upgraded, upgraded.replace(f",{_shape(_POINT)}", "")}
    return shapes


_KNOWN = _known_shapes()


def _refuse_unknown(connection: sqlite3.Connection, folder: Path) -> None:
    # the file's header is there without any table
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    _refuse_unreadable(version, folder)


def _refuse_unknown_facts(connection: sqlite3.Connection, folder: Path) -> None:
    # the facts are what people read
    for (version,) in connection.execute("SELECT value FROM meta WHERE key = 'schema'"):
        _refuse_unreadable(version, folder)


def _refuse_unreadable(version: object, folder: Path) -> None:
    if str(version) not in map(str, READABLE):
        known = " and ".join(map(str, READABLE))
        raise BadFolder(
            f"{folder}: study.db has schema {shortened(plain(str(version)), 20)}, and "
            f"this normlab reads schema {known}. Use the normlab that wrote it, or a "
            "newer one."
        )


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Add what schema 1 lacks; its runs are those of a study without a sweep."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < SCHEMA:
        connection.executescript(
            "BEGIN IMMEDIATE; "
            f"ALTER TABLE runs ADD COLUMN {_POINT}; "
            f"UPDATE meta SET value = '{SCHEMA}' WHERE key = 'schema'; "
            f"PRAGMA user_version = {SCHEMA}; COMMIT;"
        )
