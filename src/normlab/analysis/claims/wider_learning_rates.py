"""Larger learning rates work: how large they may become."""

from __future__ import annotations

import math
from collections.abc import Iterable

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.records.rows import RunRecord

WORSE = 2.0  # times the loss at the best rate: no longer trained
CHANCE = 0.9  # of ln(classes), the loss of one who guesses: nothing was learnt


def largest_rate(runs: Iterable[RunRecord], classes: int | None = None) -> float | None:
    """The largest rate at which a network trains.

    It trains where its loss stays finite and ends, on the test set, clearly below
    that of chance and below twice the loss at the best of the rates. Nothing is
    chosen by it.

    Args:
        runs: Of one arm and seed, at different rates.
        classes: How many there are; None: chance is not known and not asked about.

    Returns:
        None if it trains at none.
    """
    chance = CHANCE * math.log(classes) if classes else math.inf
    every = {run.key.rate: _final_loss(run) for run in runs}
    losses = {rate: loss for rate, loss in every.items() if loss < chance}
    if not losses:
        return None
    best = min(losses.values())
    return max(
        rate for rate, loss in losses.items() if loss <= best or loss < WORSE * best
    )


def _final_loss(run: RunRecord) -> float:
    if run.status != "done" or run.test_loss is None:
        return math.inf
    return run.test_loss if math.isfinite(run.test_loss) else math.inf


def log_rate_ratio(twins: Twins) -> float | Omitted:
    """Logarithm of the largest rate of the other arm over that of the baseline."""
    other = largest_rate(twins.other_rates, twins.classes)
    baseline = largest_rate(twins.baseline_rates, twins.classes)
    if other is None or baseline is None:
        arm = (twins.baseline if baseline is None else twins.other).key.arm
        return Omitted(f"{arm} never trained")
    return math.log(other / baseline)


CLAIM = Definition(
    id="wider-learning-rates",
    statement="{arm} trains at larger learning rates than {baseline}",
    measure=(
        "ratio of the largest of the study's rates at which the run does not diverge "
        "and its final test loss stays below 2 times that at its best rate and below "
        "0.9 ln(classes), where ln(classes) is the loss of chance"
    ),
    if_supported="tolerated larger learning rates ({ratio} times)",
    if_contradicted="tolerated only smaller learning rates ({ratio} times)",
    scale="ratio",
    unit="learning rate",
    better="higher",
    margin=1.05,
    effect=log_rate_ratio,
    compares="rates",
    caveat=(
        "the rates are those of the grid, so the ratio comes in its steps and is at "
        "most that of its ends; the grid is coarse, and equal steps from every seed "
        "are shown without a test"
    ),
)
