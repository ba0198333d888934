"""Making a study folder: all of it, or nothing."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from normlab.disk import whole
from normlab.disk.opening import Unusual, refuse_links, size_of
from normlab.disk.tree import entries
from normlab.errors import BadFolder
from normlab.records import _arrays, _database, _lock
from normlab.records._trouble import reporting
from normlab.spec import toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from normlab.spec.study import StudySpec

SETTINGS = "study.toml"
WRITTEN = (_arrays.ARRAYS, "checkpoints", "scratch")
"""Folders of a study that are written to while it is conducted."""
ORIGINAL = "study_toml"
"""The fact in study.db that keeps study.toml as it was when the study began."""


def refuse_taken(path: Path) -> None:
    """Raise BadFolder unless a study can be made here; write nothing."""
    with reporting(path):
        if path.exists() and not path.is_dir():
            raise BadFolder(f"{path}: is a file, not a folder. Choose another name.")
        _lock.refuse_in_use(path)
        refuse_filled(path)
        # what does not exist yet is made in the nearest folder that does
        refuse_unwritable(next(p for p in (path, *path.parents) if p.exists()))


def refuse_filled(path: Path) -> None:
    """Raise BadFolder if the folder holds more than a start that was cut off leaves."""
    if not path.is_dir() or all(map(_is_ours, path.iterdir())):
        return
    choice = "Choose another folder"
    if (path / _database.DATABASE).exists():
        choice += f", or go on with the study in it: normlab resume {path}"
    raise BadFolder(f"{path}: is not empty. {choice}.")


def _is_ours(place: Path) -> bool:
    return place.name == _lock.LOCK or whole.is_part(place.name)


def refuse_leading_out(path: Path) -> None:
    """Refuse a study in which normlab would write or delete somewhere else.

    Raises:
        Unusual: If there is something else than files and folders where it writes.
    """
    for name in (SETTINGS, _database.DATABASE):
        size_of(path / name, within=path)
    for home in WRITTEN:
        refuse_links(path / home, path)
        if (path / home).exists() and not (path / home).is_dir():
            raise Unusual(path / home, "no folder, and a study keeps one there")
        for entry in entries(path / home):
            if not (entry.is_dir(follow_symlinks=False) or _is_plain(entry)):
                raise Unusual(entry.path, "a link, a pipe or a device")


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


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
    """Make a study of an empty folder whose lock is held.

    There is a study from the moment that study.db has its name; study.toml is in it
    too, and is written anew from there as long as it is missing.
    """
    whole.sweep(path)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    text = toml.dumps(spec)
    facts = {
        "created": created,
        **meta,
        "schema": str(_database.SCHEMA),
        ORIGINAL: text,
    }
    whole.write(path / _database.DATABASE, _database.fresh(facts))
    complete(path, text)


def complete(path: Path, settings: str | None) -> None:
    """Make what a study cut off in the making lacks.

    Args:
        path: The folder, whose lock is held.
        settings: What study.toml says, as study.db keeps it.
    """
    if settings is not None and lacks_settings(path):
        whole.write(path / SETTINGS, settings.encode())
    (path / _arrays.ARRAYS).mkdir(exist_ok=True)


def lacks_settings(path: Path) -> bool:
    """Whether there is no study.toml, or an empty one, as a power cut leaves it.

    Raises:
        Unusual: If it is no regular file.
    """
    return not size_of(path / SETTINGS, within=path)


def undo(path: Path, made: Sequence[Path]) -> None:
    """Take back what `fill` may have written, and folders that have been made.

    Only for who holds the lock and saw the folder empty under it.
    """
    for name in WRITTEN:
        shutil.rmtree(path / name, ignore_errors=True)
    (path / SETTINGS).unlink(missing_ok=True)
    for file in path.glob(f"{_database.DATABASE}*"):
        file.unlink(missing_ok=True)
    whole.sweep(path)
    (path / _lock.LOCK).unlink(missing_ok=True)
    take_back(made)


def take_back(made: Sequence[Path]) -> None:
    """Remove folders that have been made, where nothing lies in them."""
    for folder in made:
        with suppress(OSError):  # never made, or it holds what somebody else put there
            folder.rmdir()
