"""Which studies lie in a folder and below it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.errors import BadFolder, NormlabError
from normlab.records import _create, _database, _lock
from normlab.records.folder import StudyFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, kw_only=True)
class Found:
    """A study as `normlab list` shows it."""

    path: Path
    experiment: str
    created: str
    """When it was made, in ISO 8601, or empty."""
    statuses: Mapping[str, int]
    """How many runs stand at which status."""
    in_use: bool
    trouble: str | None = None
    """Why it cannot be read."""


def find_studies(root: Path) -> tuple[Found, ...]:
    """Every study in a folder and below it, by path; broken ones too.

    Raises:
        BadFolder: If `root` is no folder.
    """
    if not root.is_dir():
        raise BadFolder(f"{root}: is not a folder. Give one that holds studies.")
    return tuple(_look(path) for path in _study_paths(root))


def _study_paths(root: Path) -> Iterator[Path]:
    for place, inner, files in os.walk(root):
        if _database.DATABASE in files and _create.SETTINGS in files:
            inner.clear()  # a study holds no other studies
            yield Path(place)
        else:
            inner[:] = sorted(name for name in inner if not name.startswith("."))


def _look(path: Path) -> Found:
    try:
        study = StudyFolder.open(path)
        created = study.meta().get("created", "")
        counts = study.statuses()
    except NormlabError as error:
        return Found(
            path=path,
            experiment="",
            created="",
            statuses={},
            in_use=_lock.in_use(path),
            trouble=str(error),
        )
    return Found(
        path=path,
        experiment=study.spec.experiment,
        created=created,
        statuses=counts,
        in_use=study.in_use,
    )
