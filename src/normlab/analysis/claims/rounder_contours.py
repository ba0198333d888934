"""Contours are rounder, not stretched: the shape of the bowl around a run's end."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.records.surface import Surface

SHARE = 0.1  # of the way from the end's loss up to the start's
LEAST_R2 = 0.9
_COEFFICIENTS = 6  # of a quadratic in two coordinates


class Bowl(NamedTuple):
    """A quadratic fitted to the low part of a surface."""

    elongation: float  # sqrt(l1/l2) of its curvatures: ratio of a contour's axes
    r2: float  # share of the loss's variance that the fit explains
    points: int


def bowl_of(surface: Surface, arm: str) -> Bowl | Omitted:
    r"""Fit $c + g^\top p + \tfrac12 p^\top H p$ where the loss is low.

    Low is a loss of at most $L_{end} + 0.1 (L_{start} - L_{end})$, with the losses
    of the two marked points on this plane. With the curvatures $l_1 \ge l_2$ of $H$
    a contour is an ellipse whose axes are in the ratio $\sqrt{l_1/l_2}$.

    Args:
        surface: On the common plane, with the marks "start" and "end ARM".
        arm: Whose end is the bottom.

    Returns:
        The bowl, or why there is none: too few low points, a curvature that is not
        positive, or a fit that explains less than 90 % of the variance.
    """
    low = _low(surface, arm)
    if low.sum() <= _COEFFICIENTS:
        return Omitted(f"{arm}: too few points low on the surface, not a bowl")
    b, a = (axis[low] for axis in np.meshgrid(surface.b, surface.a, indexing="ij"))
    loss = surface.loss[low]
    terms = np.stack([np.ones_like(a), a, b, a * a / 2, a * b, b * b / 2], axis=1)
    # columns of like size: coordinates are lengths in weight space
    size = np.abs(terms).max(axis=0)
    if not size.all():
        return Omitted(f"{arm}: the low points lie on one line, not a bowl")
    found = np.linalg.lstsq(terms / size, loss, rcond=None)[0] / size
    rest = loss - terms @ found
    total = np.square(loss - loss.mean()).sum()
    r2 = 1.0 - float(np.square(rest).sum() / total) if total else 0.0
    curvatures = np.linalg.eigvalsh([[found[3], found[4]], [found[4], found[5]]])
    if curvatures[0] <= 0:
        return Omitted(f"{arm}: a curvature is not positive, not a bowl")
    if r2 <= LEAST_R2:
        # without its number: seeds with the same reason are told together
        share = f"at most {LEAST_R2:.0%} of the loss"
        return Omitted(f"{arm}: a quadratic explains {share}, not a bowl")
    elongation = math.sqrt(curvatures[1] / curvatures[0])
    return Bowl(elongation=elongation, r2=r2, points=int(low.sum()))


def _low(surface: Surface, arm: str) -> np.ndarray:
    """Which cells are low, shape (rows, columns); holes are not."""
    at = {mark.name: mark.plane_loss for mark in surface.marks}
    start, end = at.get("start"), at.get(f"end {arm}")
    if start is None or end is None or not math.isfinite(start - end):
        return np.zeros(surface.loss.shape, bool)
    level = end + SHARE * (start - end)
    return np.isfinite(surface.loss) & (surface.loss <= level)


def log_elongation_ratio(twins: Twins) -> float | Omitted:
    """Logarithm of the other arm's elongation over that of the baseline."""
    if twins.diverged:
        return Omitted(twins.diverged)
    if twins.bowls is None:
        return Omitted("no surface was measured")
    other = bowl_of(twins.bowls[1], twins.other.key.arm)
    baseline = bowl_of(twins.bowls[0], twins.baseline.key.arm)
    if isinstance(other, Omitted):
        return other
    if isinstance(baseline, Omitted):
        return baseline
    return math.log(other.elongation / baseline.elongation)


CLAIM = Definition(
    id="rounder-contours",
    statement="the contours of {arm} are rounder than those of {baseline}",
    measure=(
        "ratio of the contours' elongation, sqrt(l1/l2) of a quadratic fitted to the "
        "low part of the loss on the plane through the twins' start and ends"
    ),
    if_supported="had rounder contours",
    if_contradicted="had more stretched contours",
    quantity="elongation of contours",
    scale="ratio",
    unit="ratio of a contour's axes",
    better="lower",
    margin=1.05,
    effect=log_elongation_ratio,
    surfaces=True,
)
