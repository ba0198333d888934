"""Making a study folder: all of it, or nothing."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from normlab.errors import BadFolder
from normlab.records import _arrays, _database, _lock
from normlab.records._trouble import reporting
from normlab.spec import toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from normlab.spec.study import StudySpec

SETTINGS = "study.toml"
ORIGINAL = "study_toml"
"""The fact in study.db that keeps study.toml as it was when the study began."""


def refuse_taken(path: Path) -> None:
    """Raise BadFolder unless a study can be made here; write nothing."""
    with reporting(path):
        if path.exists() and not path.is_dir():
            raise BadFolder(f"{path}: is a file, not a folder. Choose another name.")
        _lock.refuse_in_use(path)
        if path.is_dir() and any(path.iterdir()):
            choice = "Choose another folder"
            if (path / _database.DATABASE).exists():
                choice += f", or go on with the study in it: normlab resume {path}"
            raise BadFolder(f"{path}: is not empty. {choice}.")
        # what does not exist yet is made in the nearest folder that does
        refuse_unwritable(next(p for p in (path, *path.parents) if p.exists()))


def refuse_unwritable(folder: Path) -> None:
    """Raise an OSError, as making a file there would, if none can be made."""
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def missing(path: Path) -> tuple[Path, ...]:
    """The folder and those above it that do not exist, innermost first."""
    return tuple(folder for folder in (path, *path.parents) if not folder.exists())


def fill(path: Path, spec: StudySpec, meta: Mapping[str, str]) -> None:
    """Write study.db and study.toml into an empty folder."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    text = toml.dumps(spec)
    (path / _arrays.ARRAYS).mkdir()
    facts = {
        "created": created,
        **meta,
        "schema": str(_database.SCHEMA),
        ORIGINAL: text,
    }
    _database.make(path, facts)
    (path / SETTINGS).write_text(text, encoding="utf-8")


def undo(path: Path, made: Sequence[Path]) -> None:
    """Take back what `fill` may have written, and folders that may have been made."""
    shutil.rmtree(path / _arrays.ARRAYS, ignore_errors=True)
    for name in (SETTINGS, _lock.LOCK):
        (path / name).unlink(missing_ok=True)
    for file in path.glob(f"{_database.DATABASE}*"):
        file.unlink(missing_ok=True)
    for folder in made:
        with suppress(OSError):  # never made, or it holds what somebody else put there
            folder.rmdir()
