"""The 2015 paper's table: steps to the baseline's best accuracy, and the maximum."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from normlab.analysis.design.fairness import equal_seeds
from normlab.analysis.design.learning import Chance, trained
from normlab.analysis.inference.interval import Estimate, t_interval
from normlab.analysis.text.layout import spread
from normlab.analysis.text.table import Table
from normlab.analysis.text.words import aligned, count
from normlab.records.rows import ENDED, RunRecord, StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.point import SweepPoint, point_text
from normlab.spec.study import StudySpec

MAX_TABLES = 4  # of the points of a sweep
CAPTION = (
    "target: per seed, the highest test accuracy {baseline} at lr {rate:g}; steps "
    "until the first epoch's end at which it is reached, geometric mean over seeds; "
    "ratio with 95 % interval; accuracy is known at the ends of epochs alone, so steps "
    "come in multiples of {epoch:,}"
)


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One arm at one rate, against the best accuracy of the baseline."""

    arm: str
    rate: float
    point: SweepPoint
    steps: float
    """To the target, geometric mean over the seeds that reach it; nan if none does."""
    ratio: Estimate
    """Over the steps of the baseline, as logarithms, over the same seeds."""
    maximum: float
    """Highest test accuracy of a run, mean over those that trained; nan if none did."""
    trained: int
    """How many runs did."""
    reached: int
    seeds: int
    """Those that have ended, of the arm and of the baseline."""


def reference_rate(spec: StudySpec) -> float:
    """The first of the study's rates: what the others are multiples of."""
    return spec.recipe.rates[0]


def step_rows(record: StudyRecord, point: SweepPoint = ()) -> tuple[StepRow, ...]:
    """Every arm at every rate, by arm in the order of the study, then by rate.

    The target of a seed is the highest test accuracy of its baseline run at the first
    of the study's rates. Accuracy is known at the ends of epochs, so steps are
    multiples of an epoch's.

    Args:
        record: The study.
        point: Of the sweep.

    Source: ioffe2015, section 4.2.2, figure 3.
    """
    rate = reference_rate(record.spec)
    runs = {
        run.key: run
        for run in record.runs
        if run.key.point == point and run.status in ENDED
    }
    chance = Chance.of(record)
    base = {
        seed: run
        for seed in record.spec.seeds
        if (run := runs.get(RunKey(record.spec.baseline.name, rate, seed, point)))
        # the accuracy of a network that learnt nothing is no target
        and trained(run, chance)
    }
    arms = {arm.name: place for place, arm in enumerate(record.spec.arms)}
    who = {(key.arm, key.rate) for key in runs}
    order = sorted(who, key=lambda each: (arms[each[0]], each[1]))
    return tuple(
        _row(
            each,
            point,
            [
                (base[seed], run)
                for seed in base
                if (run := runs.get(RunKey(*each, seed, point)))
            ],
            chance,
        )
        for each in order
        if base
    )


def step_table(record: StudyRecord, point: SweepPoint = ()) -> Table:
    """The same as text: steps, ratio, maximum.

    Rates are named as multiples of the first too, as in the paper. Without a baseline
    run that trained there is no target: no row, and the caption says so.
    """
    rate, spec = reference_rate(record.spec), record.spec
    labels = spec.labels  # made anew whenever it is asked for
    baseline = labels[spec.baseline.name]
    several = len({run.key.rate for run in record.runs}) > 1
    epoch = max((_per_epoch(run) for run in record.runs if run.epochs), default=0)
    caption = CAPTION.format(baseline=baseline, rate=rate, epoch=epoch)
    if point:
        caption = f"{point_text(point)}; {caption}"
    runs = [run for run in record.runs if run.key.point == point]
    if warned := equal_seeds(runs, spec.model.start):
        caption += f"; {warned}"
    rows = step_rows(record, point)
    if not rows and _ended(record, point):
        start = f"{point_text(point)}: " if point else ""
        caption = (
            f"{start}no steps to a target: no run {baseline} at lr {rate:g} trained"
        )
    return Table(
        caption,
        ("", *(["lr"] if several else []), "steps", "ratio", "maximum"),
        tuple(
            (
                labels[row.arm],
                *([f"{row.rate:g} (x{row.rate / rate:.3g})"] if several else []),
                _steps_text(row),
                _ratio_text(row.ratio),
                _maximum_text(row),
            )
            for row in rows
        ),
    )


def _ended(record: StudyRecord, point: SweepPoint) -> bool:
    who = (record.spec.baseline.name, reference_rate(record.spec), point)
    return any(
        (run.key.arm, run.key.rate, run.key.point) == who and run.status in ENDED
        for run in record.runs
    )


def step_tables(record: StudyRecord) -> tuple[Table, ...]:
    """One for each point of the sweep; none where there is nothing to read from it.

    A study of one arm, one rate or one epoch has none. Of many points the first, the
    last and some between have one, and the last caption says how many have not.
    """
    spec = record.spec
    if min(len(spec.arms), len(spec.recipe.rates), spec.recipe.epochs) == 1:
        return ()
    points = spec.sweep.points
    shown = spread(points, MAX_TABLES)
    *others, last = (step_table(record, point) for point in shown)
    if left := len(points) - len(shown):
        more = f"{count(left, 'other point')} without such a table"
        last = replace(last, caption=f"{last.caption}; {more}")
    return (*others, last)


def _row(
    who: tuple[str, float],
    point: SweepPoint,
    pairs: list[tuple[RunRecord, RunRecord]],
    chance: Chance,
) -> StepRow:
    logs: list[float] = []
    ratios: list[float] = []
    for base, run in pairs:
        target = max(_accuracies(base), default=math.inf)
        steps, of_base = _steps_to(run, target), _steps_to(base, target)
        if steps is not None and of_base is not None:
            logs.append(math.log(steps))
            ratios.append(math.log(steps / of_base))
    learnt = [run for _, run in pairs if trained(run, chance)]
    highest = [max(_accuracies(run)) for run in learnt if run.epochs]
    return StepRow(
        arm=who[0],
        rate=who[1],
        point=point,
        steps=math.exp(np.mean(logs)) if logs else math.nan,
        ratio=t_interval(ratios),
        maximum=float(np.mean(highest)) if highest else math.nan,
        trained=len(learnt),
        reached=len(logs),
        seeds=len(pairs),
    )


def _accuracies(run: RunRecord) -> Iterable[float]:
    return [row.test_accuracy or 0.0 for row in run.epochs]


def _steps_to(run: RunRecord, target: float) -> int | None:
    """Steps until the end of the first epoch with the target accuracy."""
    if run.status == "done":
        for row in run.epochs:
            if (row.test_accuracy or 0.0) >= target:
                return row.epoch * _per_epoch(run)
    return None


def _per_epoch(run: RunRecord) -> int:
    return run.step_losses.size // len(run.epochs)


def _steps_text(row: StepRow) -> str:
    if row.trained == 0:
        return "did not train"
    if row.reached == 0:
        return "never"
    some = (
        f" ({row.reached:,} of {row.seeds:,} seeds)" if row.reached < row.seeds else ""
    )
    return f"{row.steps:,.0f}{some}"


def _maximum_text(row: StepRow) -> str:
    if math.isnan(row.maximum):
        return "-"
    some = f" ({row.trained:,} trained)" if row.trained < row.seeds else ""
    return f"{100 * row.maximum:.2f} %{some}"


def _ratio_text(ratio: Estimate) -> str:
    if ratio.seeds == 0:
        return "-"
    ends = ratio.interval if ratio.low < ratio.high else None
    mean, *low_high = aligned(*map(math.exp, (ratio.mean, *(ends or ()))))
    return f"{mean} [{', '.join(low_high)}]" if low_high else mean
