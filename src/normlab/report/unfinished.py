"""Whether something of a study is still missing, and how to go on with it."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from normlab.analysis.text.words import count, seeds_text
from normlab.records.parts import only_seeds
from normlab.records.rows import ENDED

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

AFTERWARDS = (
    "All runs have ended, but not what is measured after them: loss surfaces, "
    "curvatures, and what a step costs"
)


class Unfinished(NamedTuple):
    """What is missing, and the command that goes on."""

    missing: str
    command: str


def unfinished(result: StudyResult) -> Unfinished | None:
    """None if the study came to its end, or never began."""
    runs = result.record.runs
    left = Counter(run.status for run in runs if run.status not in ENDED)
    if not runs or not (left or "finished" not in result.record.meta):
        return None
    name = quote(result.folder.name) if result.folder else "DIR"
    if (only := only_seeds(result.record.meta)) is not None:
        ended = sum(run.status in ENDED for run in runs if run.key.seed in only)
        told = f"This is a part of the study ({seeds_text(only)}): {ended} of "
        told += f"{count(len(runs), 'run')} have ended here"
        return Unfinished(told, f"normlab merge {name} ... -o whole")
    return Unfinished(_missing(len(runs), left), f"normlab resume {name}")


def _missing(runs: int, left: Counter[str]) -> str:
    if not left:
        return AFTERWARDS
    statuses = ", ".join(f"{n} {status}" for status, n in left.items())
    return f"{runs - left.total()} of {count(runs, 'run')} have ended ({statuses})"
