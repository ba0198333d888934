"""A study as tables for other tools: claims, runs, epochs or steps, as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from normlab.analysis.design.learning import Chance, trained
from normlab.errors import BadSetting
from normlab.records.rows import ENDED
from normlab.spec.names import known

if TYPE_CHECKING:
    from normlab.analysis.claim import Claim
    from normlab.analysis.result import StudyResult
    from normlab.records.rows import EpochRow, RunRecord

Columns = Mapping[str, Sequence[Any]]
MOST = 20_000_000  # rows; more do not fit into memory beside their text


def columns(result: StudyResult, name: str) -> Columns:
    """One of the tables of a study.

    Args:
        result: A study, also one that is not finished.
        name: `claims` (a row each: which arms, where, the measured quantity, estimate
            and 95 % interval back-transformed, p and that after Holm's correction,
            verdict), `runs` (a row each: how it ended), `epochs` (a row per run and
            epoch), or `steps` (a row per run and step: the loss of the batch). Losses
            are nats per example, accuracies fractions, ratios 1 = equal; None is what
            is not known.

    Raises:
        BadSetting: If there is no such table, or it has more than 20 million rows.
    """
    if name not in TABLES:
        raise BadSetting(f"--table={name} is unknown. {known(TABLES, instead_of=name)}")
    return TABLES[name](result)


def _claims(result: StudyResult) -> Columns:
    return _of_rows(map(_claim, result.claims()))


def _claim(claim: Claim) -> dict[str, Any]:
    low, high = claim.interval or (None, None)
    return {
        "claim": claim.id,
        "arm": claim.arm,
        "baseline": claim.baseline,
        "where": claim.where,
        "quantity": claim.definition.quantity,
        "scale": claim.definition.scale,
        "unit": claim.definition.unit,
        "estimate": claim.estimate,
        "low": low,
        "high": high,
        "p": claim.p,
        "p_holm": claim.p_holm,
        "seeds": claim.seeds,
        "wins": claim.wins,
        "verdict": claim.verdict,
        "statement": claim.statement,
    }


def _runs(result: StudyResult) -> Columns:
    chance = Chance.of(result.record)
    return _of_rows(
        {
            **_key(run),
            "status": run.status,
            "trained": trained(run, chance) if run.status in ENDED else None,
            "parameters": run.parameters,
            "diverged_step": run.diverged_step,
            "epochs": len(run.epochs),
            "train_loss": run.epochs[-1].train_loss if run.epochs else None,
            "test_loss": run.test_loss,
            "test_accuracy": run.test_accuracy,
            "step_seconds": run.step_seconds,
        }
        for run in result.record.runs
    )


def _epochs(result: StudyResult) -> Columns:
    """A run without epochs has one row."""
    return _of_rows(
        {**(dict(epoch.metrics) if epoch else {}), **_key(run), **_epoch(run, epoch)}
        for run in result.record.runs
        for epoch in run.epochs or (None,)
    )


def _epoch(run: RunRecord, epoch: EpochRow | None) -> dict[str, Any]:
    return {
        "status": run.status,
        "parameters": run.parameters,
        "diverged_step": run.diverged_step,
        "epoch": epoch and epoch.epoch,
        "train_loss": epoch and epoch.train_loss,
        "test_loss": epoch and epoch.test_loss,
        "test_accuracy": epoch and epoch.test_accuracy,
        "seconds": epoch and epoch.seconds,
    }


def _steps(result: StudyResult) -> Columns:
    runs = result.record.runs
    if (rows := sum(run.step_losses.size for run in runs)) > MOST:
        raise BadSetting(
            f"--table=steps would have {rows:,} rows; {MOST:,} at most. Read the "
            "losses of single runs: Result.open(DIR).record.runs[0].step_losses"
        )
    found: dict[str, list[Any]] = {}
    for run in runs:
        steps = run.step_losses.size
        row = {name: [value] * steps for name, value in _key(run).items()}
        row["step"] = list(range(1, steps + 1))
        row["loss"] = run.step_losses.tolist()
        for name, values in row.items():
            found.setdefault(name, []).extend(values)
    return found


def _key(run: RunRecord) -> dict[str, Any]:
    key = run.key
    return {"arm": key.arm, "rate": key.rate, "seed": key.seed, **dict(key.point)}


def _of_rows(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """The columns that any row has; those of the first row come first."""
    every = list(rows)
    names = dict.fromkeys(name for row in every[:1] for name in row)
    extra = {name for row in every for name in row} - names.keys()
    return {n: [row.get(n) for row in every] for n in (*names, *sorted(extra))}


TABLES: dict[str, Callable[[StudyResult], Columns]] = {
    "claims": _claims,
    "runs": _runs,
    "epochs": _epochs,
    "steps": _steps,
}
