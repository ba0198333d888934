"""What a study found, as text: tables, claims, fairness, curves, where it is."""

from __future__ import annotations

from collections import defaultdict
from shlex import quote
from typing import TYPE_CHECKING

from normlab.analysis.series.step_table import step_tables
from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import (
    count,
    effect_text,
    interval_text,
    lost_text,
    named,
    nats,
    notes_text,
)
from normlab.records.data_line import data_line
from normlab.spec.point import point_text
from normlab.terminal.charts import accuracy_chart, loss_chart
from normlab.terminal.columns import columns
from normlab.terminal.wording import duration, percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from normlab.analysis.claim import Claim
    from normlab.analysis.result import StudyResult
    from normlab.records.rows import RunRecord, StudyRecord

_NUMBERS = ("lr", "seed", "epochs", "train loss", "test loss", "test accuracy", "time")
_BRIEF = ("verdict", "claim", "arm", "at", "measured [95 % interval]")
MANY_RUNS = 60  # more are not named one by one
MANY_CLAIMS = 24  # more have a line each


def summary_text(result: StudyResult, folder: Path, *, report: bool = True) -> str:
    """Everything a reader wants after a study, also of one that is not finished.

    Args:
        result: The study, as read from its records.
        folder: Where it is kept, as the user wrote it.
        report: Whether to say where the report is, if there is one.
    """
    record = result.record
    parts = (
        _title(record),
        wrapped(f"data: {line}") if (line := data_line(record.meta)) else "",
        str(result.table()),
        _runs(record),
        *map(str, step_tables(record)),
        _claims(result),
        _fairness(result),
        *(wrapped(f"NOTE: {text}.") for text in notes_text(record.notes)),
        *(wrapped(f"FAILED: {job}: {why}") for job, why in record.failed.items()),
        wrapped(f"LOST: {lost_text(record.lost)}.") if record.lost else "",
        str(loss_chart(record)),
        # one epoch has no course
        str(accuracy_chart(record)) if record.spec.recipe.epochs > 1 else "",
        _where(record, folder, report=report),
    )
    return "\n" + "\n\n".join(part for part in parts if part)


def _fairness(result: StudyResult) -> str:
    """What was equal, and what else must be known of the networks."""
    fairness = result.analysis.fairness
    remarks = [wrapped(f"  {text[0].upper()}{text[1:]}.") for text in fairness.remarks]
    return "\n".join([wrapped(f"Fairness: {fairness}."), *remarks])


def _title(record: StudyRecord) -> str:
    spec = record.spec
    return (
        f"{spec.experiment}: {spec.model.name} on {spec.data.source}, "
        f"{count(spec.recipe.epochs, 'epoch')}, {count(len(spec.seeds), 'seed')}"
    )


def _runs(record: StudyRecord) -> str:
    """A line per run; of many, only those that are not done."""
    if len(record.runs) <= MANY_RUNS:
        return _run_table(record, record.runs)
    others = [run for run in record.runs if run.status != "done"]
    done = len(record.runs) - len(others)
    of_all = f"{done} of {count(len(record.runs), 'run')} done"
    return f"{of_all}; the others:\n{_run_table(record, others)}" if others else of_all


def _run_table(record: StudyRecord, runs: Sequence[RunRecord]) -> str:
    spec = record.spec
    head = ["arm", "lr", "at", "seed", "status", *_NUMBERS[2:]]
    rows = [_run(run, spec.recipe.epochs) for run in runs]
    left_out = {
        "lr" if len(spec.recipe.rates) == 1 else "",
        "" if spec.sweep.axes else "at",
    }
    kept = [i for i, name in enumerate(head) if name not in left_out]
    head, rows = [head[i] for i in kept], [[row[i] for i in kept] for row in rows]
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for run in runs:
        if run.reason and run.status != "done":
            alike[run.status, run.reason].append(run.key.id)
    reasons = [
        wrapped(f"{named(those)}: {status}: {reason}")
        for (status, reason), those in alike.items()
    ]
    return "\n".join([columns(head, rows, right=_NUMBERS), *reasons])


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


def _claims(result: StudyResult) -> str:
    """All claims in full; in sweeps those at the same rate in a line each.

    Where the others are many, they too: the report has them in full.
    """
    spec = result.record.spec
    claims = result.claims()
    if len(spec.recipe.rates) == 1 and not spec.sweep.axes:
        return "\n".join(_claim(claim) for claim in claims)
    full = [claim for claim in claims if claim.compared != "same-rate"]
    if len(full) > MANY_CLAIMS:
        full = []
    brief = [claim for claim in claims if claim not in full]
    parts = ["\n".join(_claim(claim, where=f" ({claim.where})") for claim in full)]
    if brief:
        parts.append(columns(_BRIEF, [_line(claim) for claim in brief]))
    return "\n\n".join(filter(None, parts))


def _claim(claim: Claim, *, where: str = "") -> str:
    first, *rest = str(claim).split("\n")
    return "\n".join([wrapped(first + where), *map(wrapped, rest)])


def _line(claim: Claim) -> list[str]:
    measured = "not measured"
    if claim.estimate is not None:
        measured = effect_text(claim.estimate, claim.definition)
        if claim.headline:
            measured += f" [{interval_text(claim.headline, claim.definition)}]"
    return [claim.verdict.upper(), claim.id, claim.arm, claim.where, measured]


def _where(record: StudyRecord, folder: Path, *, report: bool) -> str:
    name = quote(str(folder))
    written = folder / "report.html"
    lines = [f"kept in {folder}", f"show it again: normlab show {name}"]
    if any(run.status in ("queued", "interrupted", "failed") for run in record.runs):
        lines.append(f"not finished; go on with: normlab resume {name}")
    if report and written.exists():
        lines.append(f"look at it: {written}")
    return "\n".join(lines)
