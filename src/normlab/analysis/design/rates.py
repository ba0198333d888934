"""Which learning rate is each arm's own best, and who may choose it.

The seeds of a study are split, in the order given: the first third (at least one)
chooses, the others claim; seeds that join after the first look at a study only claim.
A rate is chosen by the loss on images held out of the training part, never on the test
set. So the claims at each arm's own best see neither the seeds nor the images that
chose, and given the chosen rates their effects are as independent over seeds as those
at a common rate: the paired t test holds as it stands. Leaving one seed out in turn
would give every seed an effect, but effects that share the runs behind their choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from normlab.analysis.design.looks import first_seeds
from normlab.records.rows import ENDED, RunRecord, StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.point import SweepPoint
from normlab.spec.study import StudySpec

CHOOSING = 3  # one seed in so many chooses
VALIDATION = "validation_loss"
"""The metric of an epoch that rates are chosen by."""


class Choice(NamedTuple):
    """The rate of one arm at one point; nan where none can be chosen (yet)."""

    arm: str
    point: SweepPoint
    rate: float
    because: str = ""
    """Why there is none."""
    pending: bool = False
    """Whether there may yet be one: runs have not ended."""


def choice_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """The seeds that choose rates.

    Example:
        >>> choice_seeds(range(5)), choice_seeds(range(6)), choice_seeds((7,))
        ((0,), (0, 1), (7,))
    """
    return tuple(seeds[: max(1, len(seeds) // CHOOSING)])


def choosing(record: StudyRecord) -> tuple[int, ...]:
    """The seeds of this study that choose, fixed by the seeds of its first look."""
    return choice_seeds(first_seeds(record))


def claim_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """The seeds that claims at own best rates are made from: all the others."""
    return tuple(seeds[len(choice_seeds(seeds)) :])


def holds_out(record: StudyRecord) -> bool:
    """Whether there are held-out images to choose by, as far as runs tell."""
    ended = [run for run in record.runs if run.epochs]
    return record.spec.data.validation != 0 and all(
        VALIDATION in run.epochs[-1].metrics for run in ended
    )


def held_out_loss(run: RunRecord) -> float:
    """Loss on the held-out images after the last epoch; infinite if it diverged."""
    if run.status != "done" or not run.epochs:
        return math.inf
    loss = run.epochs[-1].metrics.get(VALIDATION, math.inf)
    return loss if math.isfinite(loss) else math.inf


class HeldOutLosses:
    """Held-out losses of the runs that choose rates, taken one by one as they end.

    A rate has a loss once all choice seeds have ended there: their mean, infinite
    where one of them diverged.

    Args:
        seeds: Those that choose.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._seeds = tuple(seeds)
        self._choose = frozenset(self._seeds)
        self._ended: dict[RunKey, dict[int, float]] = {}
        self._means: dict[tuple[str, SweepPoint], dict[float, float]] = {}

    @classmethod
    def of(cls, record: StudyRecord) -> Self:
        """Of all runs that have ended."""
        losses = cls(choosing(record))
        for run in record.runs:
            if run.status in ENDED:
                losses.add(run.key, held_out_loss(run))
        return losses

    def add(self, key: RunKey, loss: float) -> bool:
        """Take the loss of a run that has ended.

        Returns:
            Whether its rate has a loss by that.
        """
        if key.seed not in self._choose:
            return False
        ended = self._ended.setdefault(key._replace(seed=0), {})
        ended[key.seed] = loss
        if len(ended) < len(self._seeds):
            return False
        mean = float(np.mean([ended[seed] for seed in self._seeds]))
        self._means.setdefault((key.arm, key.point), {})[key.rate] = mean
        return True

    def by_rate(self, arm: str, point: SweepPoint) -> dict[float, float]:
        """The losses of an arm at a point, from the smallest rate to the largest."""
        return dict(sorted(self._means.get((arm, point), {}).items()))


def own_best(
    spec: StudySpec,
    losses: HeldOutLosses,
    arm: str,
    point: SweepPoint = (),
    *,
    called: str = "",
) -> Choice:
    """The rate with the lowest held-out loss; of equals the smallest.

    Args:
        spec: The study.
        losses: Of the seeds that choose.
        arm: By its name.
        point: Of the sweep.
        called: The arm in a sentence, where that is known already.
    """
    known = losses.by_rate(arm, point)
    if not set(spec.recipe.rates) <= known.keys():
        because = f"no rate {called or spec.labels[arm]} is chosen yet"
        return Choice(arm, point, math.nan, because, pending=True)
    best = min(known, key=lambda rate: known[rate])
    if math.isinf(known[best]):
        because = f"training {called or spec.labels[arm]} diverged at every rate"
        return Choice(arm, point, math.nan, because)
    return Choice(arm, point, best)


def choices(record: StudyRecord) -> tuple[Choice, ...]:
    """Every arm's own best at every point; none with one rate or no held-out images."""
    spec = record.spec
    if len(spec.recipe.rates) < 2 or not holds_out(record):
        return ()
    losses, labels = HeldOutLosses.of(record), spec.labels
    return tuple(
        own_best(spec, losses, arm, point, called=label)
        for point in spec.sweep.points
        for arm, label in labels.items()
    )
