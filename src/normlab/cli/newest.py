"""Which study is meant where none is named: the newest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.errors import BadFolder
from normlab.terminal.printing import complain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from normlab.records.found import ListedStudy

_EVER = datetime.min.replace(tzinfo=UTC)


def named_or_newest(folder: Path | None) -> Path:
    """The folder that was named, else that of the newest study, which is said.

    Raises:
        BadFolder: If none is named and there is none.
    """
    if folder is not None:
        return folder
    from normlab.records.found import find_studies
    from normlab.terminal.watching import HOME

    studies = newest_first(find_studies(HOME)) if HOME.is_dir() else []
    readable = [study for study in studies if study.trouble is None]
    if not readable:
        raise BadFolder(
            f"no study is named, and {HOME} holds none. Name one: DIR; or make the "
            "first: normlab run"
        )
    # beside the output, which may be read by a program
    complain(f"normlab: the newest study: {readable[0].path}")
    return readable[0].path


def newest_first(studies: Iterable[ListedStudy]) -> list[ListedStudy]:
    """By the moment at which they were made; those that do not tell it come last."""
    return sorted(studies, key=_made, reverse=True)


def _made(study: ListedStudy) -> datetime:
    if study.created is None:
        return _EVER
    # one without a zone is no moment; what others wrote may be either
    moment = study.created
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
