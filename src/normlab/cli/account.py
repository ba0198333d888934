"""What a study found, as text: tables, claims, fairness, curves, where it is."""

from __future__ import annotations

from shlex import quote
from textwrap import TextWrapper
from typing import TYPE_CHECKING

from normlab.cli.columns import columns
from normlab.cli.course import accuracy_chart, loss_chart
from normlab.cli.wording import count, duration, nats, percent

if TYPE_CHECKING:
    from pathlib import Path

    from normlab.analysis.claim import Claim
    from normlab.analysis.result import Result
    from normlab.records.rows import RunRecord, StudyRecord

_NUMBERS = ("lr", "seed", "epochs", "train loss", "test loss", "test accuracy", "time")
_WIDTH = 79


def account(result: Result, folder: Path) -> str:
    """Everything a reader wants after a study, also of one that is not finished.

    Args:
        result: The study, as read from its records.
        folder: Where it is kept, as the user wrote it.
    """
    record = result.record
    parts = (
        _title(record),
        str(result.table()),
        _runs(record),
        _claims(result),
        _wrapped(f"Fairness: {result.analysis.fairness}."),
        str(loss_chart(record)),
        # one epoch has no course
        str(accuracy_chart(record)) if record.spec.recipe.epochs > 1 else "",
        _where(record, folder),
    )
    return "\n" + "\n\n".join(part for part in parts if part)


def _title(record: StudyRecord) -> str:
    spec = record.spec
    return (
        f"{spec.experiment}: {spec.model.name} on {spec.data.source}, "
        f"{count(spec.recipe.epochs, 'epoch')}, {count(len(spec.seeds), 'seed')}"
    )


def _runs(record: StudyRecord) -> str:
    rates = len(record.spec.recipe.rates) > 1
    head = ["arm", "lr", "seed", "status", *_NUMBERS[2:]]
    rows = [_run(run, record.spec.recipe.epochs) for run in record.runs]
    if not rates:
        head.pop(1)
        rows = [[row[0], *row[2:]] for row in rows]
    reasons = [
        _wrapped(f"{run.key.id}: {run.status}: {run.reason}", indent="  ")
        for run in record.runs
        if run.reason and run.status != "done"
    ]
    return "\n".join([columns(head, rows, right=_NUMBERS), *reasons])


def _run(run: RunRecord, epochs: int) -> list[str]:
    last = run.epochs[-1] if run.epochs else None
    step = run.diverged_step
    return [
        run.key.arm,
        f"{run.key.rate:g}",
        str(run.key.seed),
        run.status if step is None else f"{run.status} at step {step}",
        f"{len(run.epochs)}/{epochs}",
        nats(last and last.train_loss),
        nats(last and last.test_loss),
        percent(last and last.test_accuracy),
        duration(sum(row.seconds for row in run.epochs) if last else None),
    ]


def _claims(result: Result) -> str:
    rates = len(result.record.spec.recipe.rates) > 1
    return "\n".join(_claim(claim, rates=rates) for claim in result.claims())


def _claim(claim: Claim, *, rates: bool) -> str:
    first, *rest = str(claim).split("\n")
    where = f" (lr {claim.rate:g})" if rates else ""
    return "\n".join([_wrapped(first + where), *map(_wrapped, rest)])


def _where(record: StudyRecord, folder: Path) -> str:
    name = quote(str(folder))
    lines = [f"kept in {folder}", f"show it again: normlab show {name}"]
    if any(run.status in ("queued", "interrupted", "failed") for run in record.runs):
        lines.append(f"not finished; go on with: normlab resume {name}")
    return "\n".join(lines)


def _wrapped(text: str, indent: str = "  ") -> str:
    start = text[: len(text) - len(text.lstrip())]
    wrapper = TextWrapper(
        width=_WIDTH,
        initial_indent=start,
        subsequent_indent=start + indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.fill(text.strip())
