"""Refining rates: golden-section search on the logarithm of the rate, per arm.

What is tried next follows from the records alone, so that a study that was
interrupted goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from normlab.analysis.design.rates import (
    VALIDATION,
    HeldOutLosses,
    choosing,
    holds_out,
    own_best,
)
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.point import SweepPoint
from normlab.spec.recipe import Recipe

GOLDEN = (3 - math.sqrt(5)) / 2  # of the larger part, from the best rate
DIGITS = 3  # of a rate, so that it can be read and typed
LARGEST = 1000.0  # as a recipe allows


class Refinement:
    """Says which further runs are wanted, from each run as it ends.

    It keeps the held-out losses alone, so that a study of many runs is not read anew
    whenever one of them ends; and it asks for the same runs as if it were.

    Args:
        record: The study as it stands.

    Example:
        >>> from normlab.spec.study import StudySpec
        >>> Refinement(StudyRecord(spec=StudySpec())).wanted()
        ()
    """

    def __init__(self, record: StudyRecord) -> None:
        self._spec = record.spec
        self._choosing = choosing(record)
        self._losses = HeldOutLosses.of(record)
        self._holds_out = holds_out(record)
        self._latest = {
            run.key: run.epochs[-1].metrics.get(VALIDATION, math.inf)
            for run in record.runs
            if run.epochs
        }

    def wanted(self) -> tuple[RunKey, ...]:
        """Every run at a refined rate that is wanted by now, in the plan or not."""
        return tuple(
            key
            for point in self._spec.sweep.points
            for arm in self._spec.arms
            for key in self._of(arm.name, point)
        )

    def epoch_done(self, key: RunKey, metrics: Mapping[str, float]) -> None:
        """Take what was measured at the end of a run's epoch."""
        self._holds_out = self._holds_out and VALIDATION in metrics
        self._latest[key] = metrics.get(VALIDATION, math.inf)

    def run_ended(self, key: RunKey, *, diverged: bool) -> tuple[RunKey, ...]:
        """Take the end of a run.

        Returns:
            The runs that are wanted of its arm and point, where it is the last of its
            rate's; else none, as nothing else is known than before.
        """
        loss = math.inf if diverged else self._latest.get(key, math.inf)
        loss = loss if math.isfinite(loss) else math.inf
        settled = self._losses.add(key, loss)
        return tuple(self._of(key.arm, key.point)) if settled else ()

    def _of(self, arm: str, point: SweepPoint) -> list[RunKey]:
        """Of one arm: the choice seeds at each rate of the search so far.

        After its last step also the other seeds at the arm's own best, so that claims
        can be made there.
        """
        spec = self._spec
        if not spec.recipe.refine or not self._holds_out:
            return []
        tried, ended = search(spec.recipe, self._losses.by_rate(arm, point))
        seeds = self._choosing
        keys = [RunKey(arm, rate, seed, point) for rate in tried for seed in seeds]
        best = own_best(spec, self._losses, arm, point).rate if ended else math.nan
        if best in tried:
            others = [seed for seed in spec.seeds if seed not in seeds]
            keys += [RunKey(arm, best, seed, point) for seed in others]
        return keys


def search(recipe: Recipe, losses: Mapping[float, float]) -> tuple[list[float], bool]:
    """The rates that the search has asked for, and whether it has come to its end.

    Args:
        recipe: Its rates are where the search starts, `refine` its steps.
        losses: At every rate that is known by now.
    """
    if not set(recipe.rates) <= losses.keys():
        return [], False
    known = {rate: losses[rate] for rate in sorted(recipe.rates)}
    tried: list[float] = []
    while len(tried) < recipe.refine:
        rate = next_rate(known)
        if rate is None:
            return tried, True
        tried.append(rate)
        if rate not in losses:
            return tried, False
        known[rate] = losses[rate]
    return tried, True


def next_rate(losses: Mapping[float, float]) -> float | None:
    r"""Where to look for a smaller loss.

    With $a < b < c$ the logarithms of the best rate, b, and its neighbours, the next
    is in the larger of the two parts, at the golden section
    $(3 - \sqrt 5)/2 \approx 0.382$ of it from b. At an end of the rates tried, the
    missing neighbour lies as far off as the one there is.

    Args:
        losses: By rate; infinite where a run diverged.

    Returns:
        A rate of three digits; None if it is known already, or no rate trains.

    Example:
        >>> next_rate({0.01: 2.0, 0.1: 1.0, 1.0: 2.0})
        0.241

    Source: Kiefer 1953, Proceedings of the American Mathematical Society 4, 502-506.
    """
    rates = sorted(losses)
    best = min(rates, key=lambda rate: losses[rate])
    if math.isinf(losses[best]):
        return None
    logs = [math.log(rate) for rate in rates]
    at = rates.index(best)
    left = logs[at] - logs[at - 1] if at > 0 else math.nan
    right = logs[at + 1] - logs[at] if at + 1 < len(logs) else left
    left = right if math.isnan(left) else left
    step = GOLDEN * right if right >= left else -GOLDEN * left
    rate = float(f"{math.exp(logs[at] + step):.{DIGITS}g}")
    return None if rate in losses or rate > LARGEST else rate
