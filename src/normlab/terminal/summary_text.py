"""What a study found, as text: tables, claims, fairness, curves, where it is."""

from __future__ import annotations

from collections import Counter, defaultdict
from shlex import quote
from typing import TYPE_CHECKING

from normlab.analysis.claim import as_listed
from normlab.analysis.series.step_table import step_tables
from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.looking import looking_text
from normlab.analysis.text.words import (
    count,
    failed_text,
    lost_text,
    named,
    nats,
    notes_text,
    upper,
)
from normlab.records.data_line import data_line
from normlab.records.folder import log_of
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
_BRIEF = ["verdict", "claim", "arms", "at", "measured [95 % interval]"]
_PLACE = _BRIEF.index("at")
MANY_RUNS = 60  # more are not named one by one
MANY_CLAIMS = 60  # more have a line each
MANY_LINES = 400  # more are counted


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
        *(wrapped(f"{upper(text)}.") for text in result.analysis.remarks),
        "\n".join(wrapped(f"{text}.") for text in looking_text(record)),
        _fairness(result),
        *(wrapped(f"NOTE: {text}.") for text in notes_text(record.notes)),
        *(wrapped(f"FAILED: {text}") for text in failed_text(record.failed)),
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
    remarks = [wrapped(f"  {upper(text)}.") for text in fairness.remarks]
    return "\n".join([wrapped(f"Fairness: {fairness}."), *remarks])


def _title(record: StudyRecord) -> str:
    spec = record.spec
    return wrapped(
        f"{spec.experiment}: {spec.model.name} on {spec.data.source}, "
        f"{count(spec.recipe.epochs, 'epoch')}, {count(len(spec.seeds), 'seed')}"
    )


def _runs(record: StudyRecord) -> str:
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

    Where those in full are many, they have a line each too; where the lines are many,
    verdicts are counted. The report has all in full.
    """
    spec = result.record.spec
    claims = as_listed(result.claims())
    single = len(spec.recipe.rates) == 1 and not spec.sweep.axes
    full = [claim for claim in claims if single or claim.compared != "same-rate"]
    if len(full) > MANY_CLAIMS:
        full = []
    in_full = {id(claim) for claim in full}
    brief = [claim for claim in claims if id(claim) not in in_full]
    parts = [
        "\n".join(
            _claim(claim, where="" if single else f" ({claim.where})") for claim in full
        ),
        _counted(brief) if len(brief) > MANY_LINES else "",
        _listed(brief, with_place=not single) if 0 < len(brief) <= MANY_LINES else "",
    ]
    return "\n\n".join(filter(None, parts))


def _counted(claims: Sequence[Claim]) -> str:
    """How often each claim came to which verdict."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for claim in claims:
        found[claim.id][claim.verdict] += 1
    lines = [
        f"  {name}: {', '.join(f'{n:,} {verdict}' for verdict, n in of.most_common())}"
        for name, of in found.items()
    ]
    of_all = f"verdicts of {count(len(claims), 'comparison')}"
    first = f"{of_all} (`normlab show --json` and the report have each by itself):"
    return "\n".join(map(wrapped, (first, *lines)))


def _claim(claim: Claim, *, where: str = "") -> str:
    first, *rest = str(claim).split("\n")
    return "\n".join([wrapped(first + where), *map(wrapped, rest)])


def _listed(claims: Sequence[Claim], *, with_place: bool) -> str:
    """A line for each; where they hold only if they hold at several places."""
    lines = [_BRIEF, *map(_line, claims)]
    if not with_place:
        lines = [[*line[:_PLACE], *line[_PLACE + 1 :]] for line in lines]
    return columns(lines[0], lines[1:])


def _line(claim: Claim) -> list[str]:
    measured = claim.numbers.partition(", wins")[0]
    arms = f"{claim.labels[0]}"
    return [claim.verdict.upper(), claim.id, arms, claim.where, measured]


def _where(record: StudyRecord, folder: Path, *, report: bool) -> str:
    name = quote(str(folder))
    written = folder / "report.html"
    lines = [f"kept in {folder}"]
    if log_of(folder):  # while it is conducted, or read by another program at its end
        lines.append("copy it as a whole: the end of study.db is still in study.db-wal")
    lines.append(f"show it again: normlab show {name}")
    if any(run.status in ("queued", "interrupted", "failed") for run in record.runs):
        lines.append(f"not finished; go on with: normlab resume {name}")
    if report and written.exists():
        lines.append(f"look at it: {written}")
    return "\n".join(lines)
