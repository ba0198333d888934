"""What a study still lacks, and how to go on."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING

from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import count, seeds_text
from normlab.errors import NormlabError
from normlab.records.folder import StudyFolder
from normlab.records.parts import only_seeds
from normlab.records.rows import ENDED
from normlab.terminal.styled import Line

if TYPE_CHECKING:
    from pathlib import Path

    from normlab.records.rows import StudyRecord
    from normlab.terminal.styled import Block


def unfinished_block(record: StudyRecord, folder: Path) -> Block:
    """That a study is not finished, what there is, and the command; empty if it is.

    Args:
        record: The study.
        folder: Where it is kept, as the user wrote it.
    """
    only = only_seeds(record.meta)
    ours = [run for run in record.runs if only is None or run.key.seed in only]
    statuses = Counter(run.status for run in ours)
    ended = sum(statuses[status] for status in ENDED)
    if only is not None:
        return _of_part(seeds_text(only), ended, len(ours), folder)
    if ended == len(record.runs) and "finished" in record.meta:
        return []
    conducted, surfaces = _in_the_folder(folder)
    told = f"{ended:,} of {count(len(record.runs), 'run')} done"
    if ended == len(record.runs):
        done = count(surfaces, "loss surface")
        told += f", but not all that is measured after them ({done} so far)"
    else:
        left = (f"{n:,} {status}" for status, n in statuses.items() if status in _LEFT)
        told += f", {', '.join(left)}"
    if conducted:
        return [Line(wrapped(f"Running: {told}"), "yellow")]
    return [
        Line(wrapped(f"Not finished: {told}; go on with:"), "yellow"),
        Line(f"  normlab resume {quote(str(folder))}"),  # to be copied
    ]


def _of_part(seeds: str, ended: int, runs: int, folder: Path) -> Block:
    name, done = quote(str(folder)), f"{ended:,} of {count(runs, 'run')} done"
    told = f"This is a part of a study ({seeds}): {done};"
    if ended < runs:
        then, command = "go on with:", f"normlab resume {name}"
    else:
        then = "bring all parts together with:"
        command = f"normlab merge {name} ... -o whole"
    return [
        Line(wrapped(f"{told} {then}"), "yellow"),
        Line(f"  {command}"),  # to be copied
    ]


_LEFT = ("failed", "interrupted", "running", "queued")


def _in_the_folder(folder: Path) -> tuple[bool, int]:
    """Whether somebody conducts it, and how many surfaces are there."""
    try:
        study = StudyFolder.open(folder)
        return study.in_use, len(study.surface_names())
    except NormlabError:
        return False, 0
