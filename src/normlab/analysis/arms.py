"""Every arm by itself: means over its seeds, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from normlab.analysis.claims.better_accuracy import final_accuracy
from normlab.analysis.design.fairness import equal_seeds
from normlab.analysis.design.learning import trained
from normlab.analysis.design.pairs import Runs
from normlab.analysis.inference.interval import Estimate, t_interval
from normlab.analysis.text.words import LARGEST_LOG
from normlab.records.rows import ENDED, EpochRow, RunRecord, StudyRecord
from normlab.spec.point import SweepPoint

Setting = tuple[str, float, SweepPoint]


@dataclass(frozen=True, kw_only=True)
class ArmSummary:
    """One arm at one rate and one point of the sweep."""

    arm: str
    label: str
    """What readers see it called."""
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
    untrained: int
    """Of those that ended; with them the diverged ones."""
    geometric: bool
    """Whether losses are geometric means: all of them are positive."""
    planned: int
    equal_seeds: str = ""
    """What it means that seeds start from the same weights; empty if none do."""


def summarise(record: StudyRecord) -> tuple[ArmSummary, ...]:
    """All arms at all rates and points, in the order of the study.

    Rates that were added for an arm come last, with the seeds that were trained.
    """
    known = Runs.of(record)
    geometric = not any(loss <= 0 for run in record.runs for loss in _losses(run))
    runs: dict[Setting, list[RunRecord]] = {
        (arm.name, rate, point): []
        for point in record.spec.sweep.points
        for rate in record.spec.recipe.rates
        for arm in record.spec.arms
    }
    labels = record.spec.labels
    planned = dict.fromkeys(runs, len(record.spec.seeds))
    for run in record.runs:
        runs.setdefault((run.key.arm, run.key.rate, run.key.point), []).append(run)
    return tuple(
        _one(
            those,
            who,
            labels[who[0]],
            known,
            planned.get(who, len(those)),
            geometric=geometric,
            start=record.spec.model.start,
        )
        for who, those in runs.items()
    )


def _one(
    runs: Sequence[RunRecord],
    who: Setting,
    label: str,
    known: Runs,
    planned: int,
    *,
    geometric: bool,
    start: str,
) -> ArmSummary:
    ended = [run for run in runs if run.status in ENDED]
    epochs = max((len(run.epochs) for run in runs), default=0)
    return ArmSummary(
        arm=who[0],
        label=label,
        rate=who[1],
        point=who[2],
        parameters=next((r.parameters for r in runs if r.parameters is not None), None),
        train_loss=tuple(
            _over(_train_losses(runs, epoch), geometric=geometric)
            for epoch in range(epochs)
        ),
        test_loss=_over(map(_final_loss, ended), geometric=geometric),
        test_accuracy=_over(final_accuracy(run, known.classes) for run in ended),
        ended=len(ended),
        diverged=sum(run.status == "diverged" for run in runs),
        untrained=sum(not trained(run, known.chance) for run in ended),
        geometric=geometric,
        planned=planned,
        equal_seeds=equal_seeds(runs, start),
    )


def _train_losses(runs: Sequence[RunRecord], epoch: int) -> list[float]:
    return [run.epochs[epoch].train_loss for run in runs if len(run.epochs) > epoch]


def _losses(run: RunRecord) -> Iterator[float]:
    yield from (row.train_loss for row in run.epochs)
    if run.status in ENDED and (final := _final_loss(run)) is not None:
        yield final


def _final_loss(run: RunRecord) -> float | None:
    if run.test_loss is not None or not run.epochs:
        return run.test_loss
    last: EpochRow = run.epochs[-1]
    return last.test_loss


def _over(values: Iterable[float | None], *, geometric: bool = False) -> Estimate:
    """The mean; of positive losses that of the logarithms, so no end is below 0."""
    known = [value for value in values if value is not None]
    if not geometric or not np.isfinite(known).all():
        return t_interval(known)
    mean, low, high, seeds = t_interval(np.log(known))
    # of losses that differ by hundreds of powers an end may lie beyond all numbers
    mean, low, high = np.exp(np.minimum([mean, low, high], LARGEST_LOG)).tolist()
    return Estimate(mean, low, high, seeds)
