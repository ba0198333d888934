"""`normlab list`: the studies below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import ARMS, count, named
from normlab.cli.newest import newest_first
from normlab.foreign import plain, shortened
from normlab.terminal.printing import say

if TYPE_CHECKING:
    from datetime import datetime

    from normlab.records.found import ListedStudy

_LONGEST = 1_000  # characters of a reason


def list_studies(
    root: Annotated[
        Path, typer.Argument(metavar="ROOT", help="Where to look.")
    ] = Path(),
) -> int:
    """List the studies below a folder, the newest first."""
    from normlab.records.found import find_studies

    studies = newest_first(find_studies(root))
    for study in studies:
        if study.trouble is None:
            say(_told(study))
    for study in studies:
        if study.trouble is not None:
            say(plain(_why(study)))
    if not studies:
        say(f"no studies below {root}; `normlab run` makes the first")
    return 0


def _told(study: ListedStudy) -> str:
    """Its path, to be copied whole, and what it is on lines of their own."""
    spec = study.spec
    assert spec is not None
    arms = named([arm.name for arm in spec.arms], ARMS)
    what = f"{spec.experiment} ({arms}; {count(len(spec.seeds), 'seed')})"
    told = f"  {_minute(study.created)}  {_status(study)}  {what}"
    return f"{plain(str(study.path))}\n{wrapped(plain(told))}"


def _why(study: ListedStudy) -> str:
    """The line of a study that cannot be read; its path is said once."""
    reason = " ".join(str(study.trouble).split())
    reason = reason.removeprefix(str(study.path)).lstrip(":/ ")
    return shortened(f"{study.path}: cannot be read: {reason}", _LONGEST)


def _status(study: ListedStudy) -> str:
    from normlab.records.rows import ENDED

    total = sum(study.statuses.values())
    if study.statuses.keys() <= set(ENDED) and total and not study.finished:
        going_on = "measuring" if study.in_use else "not finished"
        return f"{going_on}: {count(total, 'run')} done, measurements missing"
    if set(study.statuses) == {"done"}:
        return f"done ({total:,})"
    counts = [f"{number:,} {status}" for status, number in study.statuses.items()]
    text = ", ".join(counts) or "no runs"
    return f"training: {text}" if study.in_use else text


def _minute(moment: datetime | None) -> str:
    """A moment to the minute, in this machine's time zone."""
    if moment is None:
        return "-"
    try:
        return moment.astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError):  # a year that no zone is known for
        return "-"
