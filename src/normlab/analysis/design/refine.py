"""Refining rates: golden-section search on the logarithm of the rate, per arm.

What is tried next follows from the records alone, so that a study that was
interrupted goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from normlab.analysis.design.rates import (
    choice_seeds,
    claim_seeds,
    holds_out,
    losses_by_rate,
    own_best,
)
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.point import SweepPoint

GOLDEN = (3 - math.sqrt(5)) / 2  # of the larger part, from the best rate
DIGITS = 3  # of a rate, so that it can be read and typed
LARGEST = 1000.0  # as a recipe allows


def further_runs(record: StudyRecord) -> tuple[RunKey, ...]:
    """Every run at a refined rate that the records ask for, in the plan or not.

    Per arm and point: the choice seeds at each rate of the search so far; after its
    last step the other seeds at the arm's own best, so that claims can be made there.
    """
    spec = record.spec
    if not spec.recipe.refine or not holds_out(record):
        return ()
    keys: list[RunKey] = []
    for point in spec.sweep.points:
        for arm in spec.arms:
            tried, ended = search(record, arm.name, point)
            seeds = choice_seeds(spec.seeds)
            keys += [
                RunKey(arm.name, rate, seed, point) for rate in tried for seed in seeds
            ]
            best = own_best(record, arm.name, point).rate if ended else math.nan
            if best in tried:
                others = claim_seeds(spec.seeds)
                keys += [RunKey(arm.name, best, seed, point) for seed in others]
    return tuple(keys)


def search(
    record: StudyRecord, arm: str, point: SweepPoint
) -> tuple[list[float], bool]:
    """The rates that the search has asked for, and whether it has come to its end."""
    grid = record.spec.recipe.rates
    losses = losses_by_rate(record, arm, point)
    if not set(grid) <= losses.keys():
        return [], False
    known = {rate: losses[rate] for rate in sorted(grid)}
    tried: list[float] = []
    while len(tried) < record.spec.recipe.refine:
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
