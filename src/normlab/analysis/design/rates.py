"""Which learning rate is each arm's own best, and who may choose it.

The seeds of a study are split, in the order given: the first third (at least one)
chooses, the others claim. A rate is chosen by the loss on images held out of the
training part, never on the test set. So the claims at each arm's own best see
neither the seeds nor the images that chose, and given the chosen rates their
effects are as independent over seeds as those at a common rate: the paired t test
holds as it stands. Leaving one seed out in turn would give every seed an effect, but
effects that share the runs behind their choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from normlab.records.rows import ENDED, RunRecord, StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.point import SweepPoint

CHOOSING = 3  # one seed in so many chooses


class Choice(NamedTuple):
    """The rate of one arm at one point; nan where none can be chosen (yet)."""

    arm: str
    point: SweepPoint
    rate: float
    because: str = ""
    """Why there is none."""


def choice_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """The seeds that choose rates.

    Example:
        >>> choice_seeds(range(5)), choice_seeds(range(6)), choice_seeds((7,))
        ((0,), (0, 1), (7,))
    """
    return tuple(seeds[: max(1, len(seeds) // CHOOSING)])


def claim_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """The seeds that claims at own best rates are made from: all the others."""
    return tuple(seeds[len(choice_seeds(seeds)) :])


def holds_out(record: StudyRecord) -> bool:
    """Whether there are held-out images to choose by, as far as runs tell."""
    ended = [run for run in record.runs if run.epochs]
    return record.spec.data.validation != 0 and all(
        "validation_loss" in run.epochs[-1].metrics for run in ended
    )


def held_out_loss(run: RunRecord) -> float:
    """Loss on the held-out images after the last epoch; infinite if it diverged."""
    if run.status != "done" or not run.epochs:
        return math.inf
    loss = run.epochs[-1].metrics.get("validation_loss", math.inf)
    return loss if math.isfinite(loss) else math.inf


def losses_by_rate(
    record: StudyRecord, arm: str, point: SweepPoint
) -> dict[float, float]:
    """Mean held-out loss of the choice seeds at every rate that all have ended.

    A rate at which one of them diverged has an infinite loss.

    Returns:
        By rate, from small to large.
    """
    runs = {run.key: run for run in record.runs}
    seeds = choice_seeds(record.spec.seeds)
    found: dict[float, float] = {}
    for rate in rates_of(record, arm, point):
        those = [runs.get(RunKey(arm, rate, seed, point)) for seed in seeds]
        ended = [run for run in those if run is not None and run.status in ENDED]
        if len(ended) == len(seeds):
            found[rate] = float(np.mean([held_out_loss(run) for run in ended]))
    return found


def rates_of(record: StudyRecord, arm: str, point: SweepPoint) -> list[float]:
    """The rates of the study and those added for this arm, from small to large."""
    there = {
        k.rate for k in (r.key for r in record.runs) if (k.arm, k.point) == (arm, point)
    }
    return sorted({*record.spec.recipe.rates, *there})


def own_best(record: StudyRecord, arm: str, point: SweepPoint = ()) -> Choice:
    """The rate with the lowest held-out loss; of equals the smallest."""
    losses = losses_by_rate(record, arm, point)
    if not set(record.spec.recipe.rates) <= losses.keys():
        return Choice(arm, point, math.nan, f"no rate of {arm} is chosen yet")
    best = min(losses, key=lambda rate: losses[rate])
    if math.isinf(losses[best]):
        return Choice(arm, point, math.nan, f"{arm} diverged at every rate")
    return Choice(arm, point, best)


def choices(record: StudyRecord) -> tuple[Choice, ...]:
    """Every arm's own best at every point; none with one rate or no held-out images."""
    if len(record.spec.recipe.rates) < 2 or not holds_out(record):
        return ()
    return tuple(
        own_best(record, arm.name, point)
        for point in record.spec.sweep.points
        for arm in record.spec.arms
    )
