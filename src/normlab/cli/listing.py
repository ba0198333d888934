"""`normlab list`: the studies below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from normlab.records.found import Found

_HEAD = ("study", "experiment", "arms", "seeds", "status", "made")


def list_studies(
    root: Annotated[
        Path, typer.Argument(metavar="[ROOT]", help="Where to look.")
    ] = Path(),
) -> int:
    """List the studies below a folder."""
    from normlab.cli.columns import columns
    from normlab.records.found import find_studies

    studies = find_studies(root)
    if studies:
        print(columns(_HEAD, [_row(study) for study in studies], right=["seeds"]))
    else:
        print(f"no studies below {root}; `normlab run` makes the first")
    return 0


def _row(study: Found) -> tuple[str, ...]:
    from normlab.records.folder import StudyFolder

    if study.trouble is not None:
        return (str(study.path), "-", "-", "-", "cannot be read", "-")
    spec = StudyFolder.open(study.path).spec
    return (
        str(study.path),
        study.experiment,
        ",".join(arm.name for arm in spec.arms),
        str(len(spec.seeds)),
        _status(study),
        _minute(study.created),
    )


def _status(study: Found) -> str:
    total = sum(study.statuses.values())
    if set(study.statuses) == {"done"}:
        return f"done ({total})"
    counts = [f"{number} {status}" for status, number in study.statuses.items()]
    text = ", ".join(counts) or "no runs"
    return f"training: {text}" if study.in_use else text


def _minute(moment: str) -> str:
    """An ISO moment to the minute, in this machine's time zone."""
    from datetime import datetime

    if not moment:
        return "-"
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")
