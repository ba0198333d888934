"""The runs of a study, a line each, and why some of them came to no end."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import count, named, nats
from normlab.records.rows import ENDED
from normlab.spec.point import point_text
from normlab.terminal.columns import columns
from normlab.terminal.wording import duration, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from normlab.records.rows import RunRecord, StudyRecord

_HEAD = ("arm", "lr", "at", "seed", "status", "epochs")
_NUMBERS = ("lr", "seed", "epochs", "train loss", "test loss", "test accuracy", "time")
MANY_RUNS = 60  # more are not named one by one


def runs_text(record: StudyRecord) -> str:
    """A line per run; of many, only those that are not done; of many such, some."""
    if len(record.runs) <= MANY_RUNS:
        return _run_table(record, record.runs)
    others = [run for run in record.runs if run.status != "done"]
    done = len(record.runs) - len(others)
    of_all = f"{done:,} of {count(len(record.runs), 'run')} done"
    if not others:
        return of_all
    # what went wrong before what has not begun
    others.sort(key=lambda run: run.status == "queued")
    table = _run_table(record, others[:MANY_RUNS])
    left = Counter(run.status for run in others[MANY_RUNS:])
    more = ", ".join(f"{number:,} {status}" for status, number in left.items())
    return f"{of_all}; the others:\n{table}" + (f"\nand {more}" if more else "")


def _run_table(record: StudyRecord, runs: Sequence[RunRecord]) -> str:
    spec = record.spec
    head = [*_HEAD, *_NUMBERS[3:]]
    rows = [_run(run, spec.recipe.epochs) for run in runs]
    left_out = {
        "lr" if len(spec.recipe.rates) == 1 else "",
        "" if spec.sweep.axes else "at",
    }
    kept = [i for i, name in enumerate(head) if name not in left_out]
    head, rows = [head[i] for i in kept], [[row[i] for i in kept] for row in rows]
    keys = head.index("status")
    return columns(head, rows, right=_NUMBERS, keys=keys)


def reasons_text(record: StudyRecord) -> str:
    """Why runs came to no end, each reason once."""
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for run in record.runs:
        if run.reason and run.status != "done":
            alike[run.status, run.reason].append(run.key.id)
    return "\n".join(
        wrapped(f"{named(those)}: {status}: {reason}")
        for (status, reason), those in alike.items()
    )


def standing_text(record: StudyRecord) -> str:
    """How many runs came to which end; empty where all are done, or not all ended."""
    statuses = Counter(run.status for run in record.runs)
    if statuses.keys() <= {"done"} or not statuses.keys() <= set(ENDED):
        return ""
    told = ", ".join(f"{number:,} {status}" for status, number in statuses.items())
    return f"runs: {told}"


def _run(run: RunRecord, epochs: int) -> list[str]:
    last = run.epochs[-1] if run.epochs else None
    step = run.diverged_step
    return [
        run.key.arm,
        f"{run.key.rate:g}",
        point_text(run.key.point),
        str(run.key.seed),
        run.status if step is None else f"{run.status} at step {step}",
        f"{len(run.epochs)}/{epochs}",
        nats(last and last.train_loss),
        nats(last and last.test_loss),
        percent(last and last.test_accuracy),
        duration(sum(row.seconds for row in run.epochs) if last else None),
    ]
