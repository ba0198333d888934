"""The course of training over seeds: smooth curves, and twins against each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Omitted
from normlab.analysis.design.pairs import Runs, pairings
from normlab.analysis.inference.interval import t_interval
from normlab.analysis.series.curves import LOSS_FLOOR
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.point import SweepPoint

HALF_WINDOW = 50  # steps to each side, as for faster-convergence
TOGETHER = 256  # runs whose medians are taken at once, so that memory stays small
POINTS = 160  # as many as a picture can show apart

Curve = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """A curve over steps: mean over seeds (of logarithms, for losses), t interval."""

    arm: str
    rate: float
    step: Curve  # (points,), counts from 1
    mean: Curve  # (points,), nats per example; of twins a ratio; or a fraction
    low: Curve  # (points,), nan where fewer than two seeds are left
    high: Curve  # (points,)
    seeds: int
    step_seconds: float
    """Mean seconds per step; nan if they are not known."""


def loss_bands(
    record: StudyRecord, rates: Sequence[float] | None = None
) -> tuple[Band, ...]:
    """Minibatch training loss of every arm at every rate that has taken steps.

    Of a sweep at its first point: figures of the sweep show the others.

    Args:
        record: The study.
        rates: Which of its rates; None: all of them.
    """
    bands = []
    for arm, rate, runs in _courses(record, record.spec.sweep.points[0], rates):
        step = grid(max(run.step_losses.size for run in runs))
        smooth = smooth_at([run.step_losses for run in runs], step)
        bands.append(_band(arm, rate, step, [np.log(of) for of in smooth], runs))
    return tuple(bands)


def accuracy_bands(
    record: StudyRecord,
    point: SweepPoint | None = None,
    rates: Sequence[float] | None = None,
) -> tuple[Band, ...]:
    """Test accuracy on the way, at the first point of a sweep or another.

    Everywhere on the same slice of the test images. Runs that lack it are left out.

    Args:
        record: The study.
        point: Of its sweep; None: the first.
        rates: Which of its rates; None: all of them.
    """
    bands = []
    there = record.spec.sweep.points[0] if point is None else point
    for arm, rate, runs in _courses(record, there, rates):
        known = {run.key.seed: accuracies(run) for run in runs}
        known = {seed: of for seed, of in known.items() if of}
        if known:
            step = sorted({at for of in known.values() for at in of})
            rows = [
                np.array([of.get(at, np.nan) for at in step]) for of in known.values()
            ]
            tested = [run for run in runs if run.key.seed in known]
            bands.append(
                _band(arm, rate, np.array(step), rows, tested, back=np.asarray)
            )
    return tuple(bands)


def accuracies(run: RunRecord) -> dict[int, float]:
    """Test accuracy by step, as a fraction, where a run glimpsed at it."""
    return {
        glimpse.step: glimpse.accuracy
        for glimpse in run.glimpses
        if np.isfinite(glimpse.accuracy)
    }


def _courses(
    record: StudyRecord, point: SweepPoint, rates: Sequence[float] | None
) -> Iterator[tuple[str, float, list[RunRecord]]]:
    """Arm, rate and the runs that have taken steps, at one point of a sweep."""
    runs: dict[tuple[float, str], list[RunRecord]] = defaultdict(list)
    for run in record.runs:
        if run.key.point == point and run.step_losses.size:
            runs[run.key.rate, run.key.arm].append(run)
    for rate in record.spec.recipe.rates if rates is None else rates:
        for arm in record.spec.arms:
            if (rate, arm.name) in runs:
                yield arm.name, rate, runs[rate, arm.name]


def twin_bands(
    record: StudyRecord, rates: Sequence[float] | None = None
) -> tuple[Band, ...]:
    """Loss of every other arm over the baseline's, paired by seed (1 = equal).

    Args:
        record: The study.
        rates: Which of its rates; None: all of them.
    """
    bands = []
    runs = Runs.of(record)
    there = record.spec.sweep.points[0]
    asked = set(record.spec.recipe.rates if rates is None else rates)
    for pairing in pairings(record.spec):
        if pairing.point != there or pairing.rate not in asked:
            continue
        pairs = [runs.twins(pairing, seed) for seed in record.spec.seeds]
        twins = [pair for pair in pairs if not isinstance(pair, Omitted)]
        sizes = [
            min(pair.other.step_losses.size, pair.baseline.step_losses.size)
            for pair in twins
        ]
        if any(sizes):
            step = grid(max(sizes))
            others = [pair.other for pair in twins]
            baselines = [pair.baseline for pair in twins]
            of_others, of_baselines = (
                smooth_at([run.step_losses for run in runs], step)
                for runs in (others, baselines)
            )
            logs = [
                np.log(of_other) - np.log(of_baseline)
                for of_other, of_baseline in zip(of_others, of_baselines, strict=True)
            ]
            bands.append(_band(pairing.arm, pairing.rate, step, logs, others))
    return tuple(bands)


def grid(steps: int, points: int = POINTS) -> NDArray[np.int_]:
    """Steps to draw: half of them evenly spaced, half denser at the start.

    Example:
        >>> grid(1000, 6)
        array([   1,   32,  500, 1000])
    """
    even = np.linspace(1, steps, points // 2)
    dense = np.geomspace(1, steps, points // 2)
    return np.unique(np.concatenate([even, dense]).round().astype(int))


def smooth_at(
    losses: Sequence[NDArray[np.floating]], step: NDArray[np.int_]
) -> list[Curve]:
    """Running median over 101 steps at some of the steps.

    Towards step 1 the window narrows, so that the first loss is the first step's.

    Args:
        losses: Of every run, those of its steps, shape `(steps,)`.
        step: Which to take, from 1, shape `(points,)`.

    Returns:
        Of every run, shape `(points,)`: at least 1e-7; nan after the end and where
        not finite.

    Example:
        >>> smooth_at([np.array([4.0, 2.0, 9.0, 3.0])], np.array([1, 2, 5]))
        [array([ 4.,  4., nan])]
    """
    smooth = np.full((len(losses), step.size), np.nan)
    by_size: dict[int, list[int]] = defaultdict(list)
    for i, of_run in enumerate(losses):
        by_size[of_run.size].append(i)
    for size, alike in by_size.items():
        for some in np.array_split(alike, 1 + len(alike) // TOGETHER):
            steps = np.stack([losses[i] for i in some]).astype(np.float64)
            for point in np.flatnonzero(step <= size):
                at = step[point]
                half = min(HALF_WINDOW, at - 1)
                around = np.median(steps[:, at - 1 - half : at + half], axis=1)
                smooth[some, point] = np.maximum(around, LOSS_FLOOR)
    return list(np.where(np.isfinite(smooth), smooth, np.nan))


def _band(
    arm: str,
    rate: float,
    step: NDArray[np.int_],
    rows: Sequence[Curve],
    runs: Iterable[RunRecord],
    back: Callable[[Curve], Curve] = np.exp,
) -> Band:
    per_step = [run.step_seconds / max(run.step_losses.size, 1) for run in runs]
    known = [seconds for seconds in per_step if seconds > 0]
    at_each = [t_interval(column[np.isfinite(column)]) for column in np.stack(rows, 1)]
    mean, low, high, _ = np.array(at_each).T
    return Band(
        arm=arm,
        rate=rate,
        step=step.astype(np.float64),
        mean=back(mean),
        low=back(low),
        high=back(high),
        seeds=len(rows),
        step_seconds=float(np.mean(known)) if known else float("nan"),
    )
