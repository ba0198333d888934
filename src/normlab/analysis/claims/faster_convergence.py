"""Faster convergence: fewer steps to the same loss."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Definition, Omitted, Second, Twins
from normlab.analysis.series.curves import LOSS_FLOOR, running_median, steps_to
from normlab.records.rows import RunRecord

WINDOW = 101
TARGETS = 8
START = 50  # step; before it the running median mostly shows the initialisation


def smooth_losses(run: RunRecord) -> NDArray[np.float64]:
    """The running median of the step loss over 101 steps, shape `(steps,)`."""
    return running_median(run.step_losses, WINDOW)


def common_targets(*curves: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The losses that all the smooth curves pass after step 50 and stay below.

    Evenly spaced in log loss, from half of the loss at step 50 (the lower of the
    curves, so that none is there already) to 1.1 times the worst final loss.

    Returns:
        Shape `(8,)`, from high to low; None if that range is empty.
    """
    if min(curve.size for curve in curves) < START:
        return None
    first = 0.5 * min(float(curve[START - 1]) for curve in curves)
    last = max(1.1 * max(float(curve[-1]) for curve in curves), LOSS_FLOOR)
    return np.geomspace(first, last, TARGETS) if first > last else None


def log_steps_ratio(twins: Twins) -> float | Omitted:
    """Mean over the targets of log(steps of the other arm / of the baseline)."""
    baseline, other = smooth_losses(twins.baseline), smooth_losses(twins.other)
    targets = common_targets(baseline, other)
    if targets is None:
        return Omitted(
            f"no loss that both arms reach lies below half of step {START}'s"
        )
    logs = [_log_steps(other, loss) - _log_steps(baseline, loss) for loss in targets]
    return float(np.mean(logs))


def _log_steps(smooth: NDArray[np.float64], target: float) -> float:
    steps = steps_to(smooth, target)
    assert steps is not None, "every target lies above the final loss"
    return math.log(steps)


def log_seconds_ratio(twins: Twins, log_steps: float) -> float | None:
    """The same ratio in seconds spent in steps; None where they are not known."""
    other, baseline = _step_seconds(twins.other), _step_seconds(twins.baseline)
    if other <= 0 or baseline <= 0:
        return None
    return log_steps + math.log(other / baseline)


def _step_seconds(run: RunRecord) -> float:
    return run.step_seconds / max(run.step_losses.size, 1)


CLAIM = Definition(
    id="faster-convergence",
    statement="training reaches the same loss in fewer steps {arm} than {baseline}",
    asked="faster",
    measure=(
        f"ratio of the steps until the running median of the step loss over {WINDOW} "
        f"steps stays below a target, geometric mean over {TARGETS} targets"
    ),
    quantity="steps to the same loss",
    words=("more", "fewer"),
    figure="learning-curves",
    scale="ratio",
    unit="steps",
    better="lower",
    margin=1.05,
    effect=log_steps_ratio,
    beside=(Second("in seconds", log_seconds_ratio),),
    formula=r"\operatorname{mean}_{targets} \log \frac{t_{other}}{t_{base}}",
    papers="Ioffe and Szegedy 2015, section 4.2",
    turns=(
        "other learning rates; seconds in place of steps; longer training, which "
        "sets lower targets"
    ),
)
