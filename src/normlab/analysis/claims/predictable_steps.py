"""Small parameter changes change the loss by as much as the gradient says."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import (
    Definition,
    Measured,
    Omitted,
    Second,
    Twins,
)
from normlab.analysis.claims.seen import both, by_phase
from normlab.records.observed.gradient import GradientArrays

Curve = NDArray[np.float64]  # (moments,)


def surprise(change: Curve, promised: Curve) -> Curve:
    r"""How far a change of the loss lies from the promised one, between 0 and 1.

    $|\Delta L - p| / (|\Delta L| + |p|)$, p the product of gradient and step; nan where
    neither is anything.

    Example:
        >>> surprise(np.array([-1.0, -0.5, 1.0]), np.array([-1.0, -1.0, -1.0]))
        array([0.        , 0.33333333, 1.        ])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(change - promised) / (np.abs(change) + np.abs(promised))


def along_step(seen: GradientArrays) -> Curve:
    """Surprise along the step u that was taken, at every moment."""
    return surprise(_change(seen, seen.loss_along_u), seen.slope_along_u)


def along_gradient(seen: GradientArrays) -> Curve:
    """Surprise along -a g, at every moment."""
    return surprise(_change(seen, seen.loss_along_g), -seen.rate * seen.norm**2)


def _change(seen: GradientArrays, along: NDArray[np.floating]) -> Curve:
    (one,) = np.flatnonzero(seen.lengths == 1)
    return along[:, one].astype(np.float64) - seen.loss


def log_surprise_ratios(twins: Twins) -> Measured:
    """Logarithm of the other arm's mean surprise in a phase over the baseline's."""
    return _by_phase(twins, along_step, "slope_along_u")


def log_ratios_along_gradient(twins: Twins, log_surprise: float) -> Measured:
    """The same for one step against the gradient."""
    del log_surprise
    return _by_phase(twins, along_gradient)


def _by_phase(
    twins: Twins, measure: Callable[[GradientArrays], Curve], *needed: str
) -> Measured:
    seen = both(twins, GradientArrays, *needed)
    if isinstance(seen, Omitted):
        return seen
    phases = by_phase(twins, seen)
    if isinstance(phases, Omitted):
        return phases
    baseline, other = (measure(of) for of in seen)
    return {
        phase: _log_ratio_of_means(other[there], baseline[there])
        for phase, there in phases.items()
    }


def _log_ratio_of_means(other: Curve, baseline: Curve) -> float | Omitted:
    usable = np.isfinite(other) & np.isfinite(baseline)
    means = [
        float(of[usable].mean()) if usable.any() else 0.0 for of in (other, baseline)
    ]
    if min(means) <= 0:
        return Omitted("no moment at which a step surprised in both arms")
    return math.log(means[0] / means[1])


CLAIM = Definition(
    id="predictable-steps",
    statement="the gradient predicts what a step changes better {arm} than {baseline}",
    measure=(
        "ratio of abs(dL - p)/(abs(dL) + abs(p)), from 0 to 1, for the step taken: dL "
        "is the change of its batch's loss, p what the gradient promises; mean over "
        "the moments of a phase"
    ),
    quantity="error of the prediction",
    figure="along-gradient",
    scale="ratio",
    unit="relative error",
    better="lower",
    margin=1.05,
    effect=log_surprise_ratios,
    probe="gradient",
    words=("less predictable", "more predictable"),
    beside=(Second("one step against the gradient", log_ratios_along_gradient),),
    formula=(
        r"\log \frac{\bar s_{other}}{\bar s_{base}},\quad s = \frac{|\Delta L - "
        r"\langle g, u \rangle|}{|\Delta L| + |\langle g, u \rangle|}"
    ),
    papers="Santurkar et al. 2018, arXiv 1805.11604, section 3",
    turns=(
        "the phase of training; a step along the gradient, which is much shorter "
        "than the one that momentum takes"
    ),
)
