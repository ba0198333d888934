"""`normlab list`: the studies below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normlab.analysis.text.words import ARMS, named
from normlab.foreign import plain, shortened
from normlab.terminal.printing import say

if TYPE_CHECKING:
    from datetime import datetime

    from normlab.records.found import ListedStudy

_LONGEST = 1_000  # characters of a reason
_HEAD = ("study", "experiment", "arms", "seeds", "status", "made")


def list_studies(
    root: Annotated[
        Path, typer.Argument(metavar="[ROOT]", help="Where to look.")
    ] = Path(),
) -> int:
    """List the studies below a folder."""
    from normlab.records.found import find_studies
    from normlab.terminal.columns import columns

    studies = find_studies(root)
    readable = [study for study in studies if study.trouble is None]
    if readable:
        say(columns(_HEAD, [_row(study) for study in readable], right=["seeds"]))
    for study in studies:
        if study.trouble is not None:
            say(plain(_why(study)))
    if not studies:
        say(f"no studies below {root}; `normlab run` makes the first")
    return 0


def _row(study: ListedStudy) -> tuple[str, ...]:
    spec = study.spec
    assert spec is not None
    return (
        str(study.path),
        spec.experiment,
        named([arm.name for arm in spec.arms], ARMS, between=","),
        f"{len(spec.seeds):,}",
        _status(study),
        _minute(study.created),
    )


def _why(study: ListedStudy) -> str:
    """The line of a study that cannot be read; its path is said once."""
    reason = " ".join(str(study.trouble).split())
    reason = reason.removeprefix(str(study.path)).lstrip(":/ ")
    return shortened(f"{study.path}: cannot be read: {reason}", _LONGEST)


def _status(study: ListedStudy) -> str:
    total = sum(study.statuses.values())
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
