"""Every arm by itself: means over its seeds, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from normlab.analysis.claims.better_accuracy import final_accuracy
from normlab.analysis.design.fairness import equal_seeds
from normlab.analysis.design.pairs import Runs
from normlab.analysis.inference.interval import Estimate, t_interval
from normlab.records.rows import ENDED, EpochRow, RunRecord, StudyRecord
from normlab.spec.point import SweepPoint

Setting = tuple[str, float, SweepPoint]


@dataclass(frozen=True, kw_only=True)
class ArmSummary:
    """One arm at one rate and one point of the sweep."""

    arm: str
    rate: float
    point: SweepPoint = ()
    parameters: int | None
    train_loss: tuple[Estimate, ...]
    """Per epoch, over the runs that have come that far."""
    test_loss: Estimate
    test_accuracy: Estimate
    """Final; a diverged run counts with its last finite network, else with chance."""
    ended: int
    diverged: int
    planned: int
    equal_seeds: str = ""
    """What it means that seeds start from the same weights; empty if none do."""


def summarise(record: StudyRecord) -> tuple[ArmSummary, ...]:
    """All arms at all rates and points, in the order of the study.

    Rates that were added for an arm come last, with the seeds that were trained.
    """
    classes = Runs.of(record).classes
    runs: dict[Setting, list[RunRecord]] = {
        (arm.name, rate, point): []
        for point in record.spec.sweep.points
        for rate in record.spec.recipe.rates
        for arm in record.spec.arms
    }
    planned = dict.fromkeys(runs, len(record.spec.seeds))
    for run in record.runs:
        runs.setdefault((run.key.arm, run.key.rate, run.key.point), []).append(run)
    return tuple(
        _one(those, who, classes, planned.get(who, len(those)))
        for who, those in runs.items()
    )


def _one(
    runs: Sequence[RunRecord], who: Setting, classes: int | None, planned: int
) -> ArmSummary:
    ended = [run for run in runs if run.status in ENDED]
    epochs = max((len(run.epochs) for run in runs), default=0)
    return ArmSummary(
        arm=who[0],
        rate=who[1],
        point=who[2],
        parameters=next((r.parameters for r in runs if r.parameters is not None), None),
        train_loss=tuple(_train_loss(runs, epoch) for epoch in range(epochs)),
        test_loss=_over(_final_loss(run) for run in ended),
        test_accuracy=_over(final_accuracy(run, classes) for run in ended),
        ended=len(ended),
        diverged=sum(run.status == "diverged" for run in runs),
        planned=planned,
        equal_seeds=equal_seeds(runs),
    )


def _train_loss(runs: Sequence[RunRecord], epoch: int) -> Estimate:
    return _over(
        run.epochs[epoch].train_loss for run in runs if len(run.epochs) > epoch
    )


def _final_loss(run: RunRecord) -> float | None:
    if run.test_loss is not None or not run.epochs:
        return run.test_loss
    last: EpochRow = run.epochs[-1]
    return last.test_loss


def _over(values: Iterable[float | None]) -> Estimate:
    return t_interval([value for value in values if value is not None])
