"""Larger learning rates work: how large they may become."""

from __future__ import annotations

import math
from collections.abc import Iterable

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.records.rows import RunRecord

WORSE = 2.0  # times the loss at the best rate: no longer trained


def largest_rate(runs: Iterable[RunRecord]) -> float | None:
    """The largest rate at which a network trains.

    It trains where its loss stays finite and ends, on the test set, below twice the
    loss at the best of the rates. Nothing is chosen by it.

    Args:
        runs: Of one arm and seed, at different rates.

    Returns:
        None if it trains at none.
    """
    losses = {run.key.rate: _final_loss(run) for run in runs}
    best = min(losses.values(), default=math.inf)
    if math.isinf(best):
        return None
    return max(
        rate for rate, loss in losses.items() if loss <= best or loss < WORSE * best
    )


def _final_loss(run: RunRecord) -> float:
    if run.status != "done" or run.test_loss is None:
        return math.inf
    return run.test_loss if math.isfinite(run.test_loss) else math.inf


def log_rate_ratio(twins: Twins) -> float | Omitted:
    """Logarithm of the largest rate of the other arm over that of the baseline."""
    other = largest_rate(twins.other_rates)
    baseline = largest_rate(twins.baseline_rates)
    if other is None or baseline is None:
        arm = (twins.baseline if baseline is None else twins.other).key.arm
        return Omitted(f"{arm} trains at none of the rates")
    return math.log(other / baseline)


CLAIM = Definition(
    id="wider-learning-rates",
    statement="{arm} trains at larger learning rates than {baseline}",
    measure=(
        "ratio of the largest of the study's rates at which the run does not diverge "
        "and its final test loss stays below 2 times that at its best rate"
    ),
    scale="ratio",
    unit="learning rate",
    better="higher",
    margin=1.05,
    effect=log_rate_ratio,
    compares="rates",
    caveat=(
        "the rates are those of the grid, so the ratio comes in its steps and is at "
        "most that of its ends"
    ),
)
