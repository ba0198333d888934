"""Making a study folder: all of it, or nothing."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from normlab.errors import BadFolder
from normlab.records import _arrays, _database, _lock
from normlab.records._trouble import reporting
from normlab.spec import toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from normlab.spec.study import StudySpec

SETTINGS = "study.toml"
ORIGINAL = "study_toml"
"""The fact in study.db that keeps study.toml as it was when the study began."""


def refuse_taken(path: Path) -> None:
    """Raise BadFolder unless the folder is empty or does not exist."""
    with reporting(path):
        if path.exists() and not path.is_dir():
            raise BadFolder(f"{path}: is a file, not a folder. Choose another name.")
        if _lock.in_use(path):
            raise BadFolder(
                f"{path}: in use by another normlab. Choose another folder, or wait."
            )
        if path.is_dir() and any(path.iterdir()):
            raise BadFolder(
                f"{path}: is not empty. Choose another folder, or go on with the study "
                f"in it: normlab resume {path}"
            )


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


def undo(path: Path, *, existed: bool) -> None:
    """Take back what `fill` may have written."""
    if not existed:
        shutil.rmtree(path, ignore_errors=True)
        return
    shutil.rmtree(path / _arrays.ARRAYS, ignore_errors=True)
    for name in (SETTINGS, _lock.LOCK):
        (path / name).unlink(missing_ok=True)
    for file in path.glob(f"{_database.DATABASE}*"):
        file.unlink(missing_ok=True)
