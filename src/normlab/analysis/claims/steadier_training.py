"""Training is more stable: the step loss jumps less around its running median."""

from __future__ import annotations

import math

import numpy as np

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.series.curves import LOSS_FLOOR, running_median
from normlab.records.rows import RunRecord

WINDOW = 51


def first_epoch_noise(run: RunRecord) -> float | None:
    """Standard deviation of the log loss around its running median in epoch 1.

    Returns:
        In log loss; None if the epoch is shorter than the window or no loss is
        positive.
    """
    steps = run.step_losses.size // max(len(run.epochs), 1)
    losses = run.step_losses[:steps]
    if steps < WINDOW or losses.max() <= LOSS_FLOOR:
        return None
    log_loss = np.log(np.maximum(losses.astype(np.float64), LOSS_FLOOR))
    return float(np.std(log_loss - running_median(log_loss, WINDOW), ddof=1))


def log_noise_ratio(twins: Twins) -> float | Omitted:
    """Logarithm of the noise of the other arm over that of the baseline."""
    if twins.diverged:
        return Omitted(twins.diverged)
    other = first_epoch_noise(twins.other)
    baseline = first_epoch_noise(twins.baseline)
    if other is None or baseline is None:
        return Omitted(f"epoch 1 has fewer than {WINDOW} steps with a positive loss")
    if other == 0 or baseline == 0:
        return Omitted("the loss never moved")
    return math.log(other / baseline)


CLAIM = Definition(
    id="steadier-training",
    statement="the loss of {arm} jumps less from step to step than that of {baseline}",
    measure=(
        "ratio of the standard deviation of the log step loss around its running "
        f"median over {WINDOW} steps, in epoch 1"
    ),
    if_supported="had a steadier loss from step to step",
    if_contradicted="had a less steady loss from step to step",
    quantity="jumps of the loss",
    scale="ratio",
    unit="standard deviation of log loss",
    better="lower",
    margin=1.05,
    effect=log_noise_ratio,
)
