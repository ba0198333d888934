"""Which studies lie in a folder and below it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.disk.tree import entries
from normlab.errors import BadFolder, NormlabError
from normlab.records import _database
from normlab.records.folder import StudyFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from normlab.spec.study import StudySpec


@dataclass(frozen=True, kw_only=True)
class ListedStudy:
    """A study as `normlab list` shows it."""

    path: Path
    spec: StudySpec | None = None
    """What it says; None if it cannot be read."""
    created: datetime | None = None
    """When it was made, if that is known."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """How many runs stand at which status."""
    finished: bool = False
    """Whether all was measured that follows the runs."""
    in_use: bool = False
    trouble: str | None = None
    """Why it cannot be read."""


def find_studies(root: Path) -> tuple[ListedStudy, ...]:
    """Every study in a folder and below it, by path; broken ones too.

    Raises:
        BadFolder: If `root` is no folder.
    """
    if not root.is_dir():
        raise BadFolder(f"{root}: is not a folder. Give one that holds studies.")
    return tuple(map(_look, sorted(_study_paths(root))))


def _study_paths(root: Path) -> Iterator[Path]:
    if _is_study(root):
        yield root
        return
    for entry in entries(root, _may_hold_studies):
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            path = Path(entry.path)
            if _is_study(path) or not os.access(path, os.R_OK | os.X_OK):
                yield path


def _may_hold_studies(entry: os.DirEntry[str]) -> bool:
    # a study holds no other studies
    return not entry.name.startswith(".") and not _is_study(Path(entry.path))


def _is_study(path: Path) -> bool:
    return os.path.lexists(path / _database.DATABASE)  # whatever it is, it is told


def _look(path: Path) -> ListedStudy:
    try:
        study = StudyFolder.open(path)
        meta = study.meta()
        created = meta.get("created")
        return ListedStudy(
            path=path,
            spec=study.spec,
            created=_moment(created) if created else None,
            statuses=study.statuses(),
            finished="finished" in meta,
            in_use=study.in_use,
        )
    except NormlabError as error:
        return ListedStudy(path=path, trouble=str(error))


def _moment(text: str) -> datetime | None:
    """A moment in ISO 8601; None where it is another text."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
