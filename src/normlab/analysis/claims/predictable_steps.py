"""Small parameter changes change the loss by as much as the gradient says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.seen import both, mean_log_ratio
from normlab.records.observed.gradient import GradientArrays

FLOOR = 1e-6  # of the relative error; float32 losses tell no smaller ones


def prediction_error(seen: GradientArrays) -> NDArray[np.float64]:
    r"""Relative error of the linear prediction for one step at every moment.

    $|L(w - a g) - L(w) + a \lVert g \rVert^2| / (a \lVert g \rVert^2)$.

    Returns:
        Shape `(moments,)`; 0 where a step does exactly what its gradient promises.
    """
    (one,) = np.flatnonzero(seen.lengths == 1)
    promised = seen.rate * seen.norm**2
    change = seen.loss_along_g[:, one] - seen.loss
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(change + promised) / promised


def log_error_ratio(twins: Twins) -> float | Omitted:
    """Mean over moments of log(error of the other arm / of the baseline)."""
    seen = both(twins, GradientArrays)
    if isinstance(seen, Omitted):
        return seen
    other, baseline = prediction_error(seen.other), prediction_error(seen.baseline)
    return mean_log_ratio(other, baseline, floor=FLOOR)


CLAIM = Definition(
    id="predictable-steps",
    statement="a step changes the loss of {arm} more predictably than of {baseline}",
    measure=(
        "ratio of the relative error of the loss change that the gradient predicts for "
        "one step against it; geometric mean over moments"
    ),
    if_supported="had a loss that its gradient predicts better",
    if_contradicted="had a loss that its gradient predicts worse",
    quantity="error of the prediction",
    scale="ratio",
    unit="relative error",
    better="lower",
    margin=1.05,
    effect=log_error_ratio,
    probe="gradient",
)
