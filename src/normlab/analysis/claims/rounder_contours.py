"""Contours are rounder, not stretched: how unequal the curvatures of the loss are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from normlab.analysis.claims.definition import Definition, Omitted, Second, Twins
from normlab.analysis.series.low_area import LowArea, level_at, low_area
from normlab.records.levels import levels_reached, lowest_common
from normlab.records.observed.curvature import CurvatureArrays
from normlab.records.observed.levels import LevelArrays
from normlab.records.rows import RunRecord

SHARES = (0.1, 0.08, 0.06, 0.04, 0.02)
"""Of the way from the end's loss up to the start's; the first at which both close."""


def log_curvature_ratio(twins: Twins) -> float | Omitted:
    """Log of l1/lk of the other arm over that of the baseline, at equal training loss.

    The eigenvalues are those of `CurvatureArrays`, k the last one that was kept.
    """
    for run in (twins.baseline, twins.other):
        if CurvatureArrays not in run.observed:
            return Omitted(_why_unmeasured(run))
    level = _common_level(twins)
    if level is None:
        return Omitted(_why_apart(twins))
    logs: list[float] = []
    for run in (twins.baseline, twins.other):
        seen = run.observed[CurvatureArrays]
        values = seen.eigenvalues[seen.level.tolist().index(level)]
        k = len(values)
        if not np.isfinite(values).all():
            return Omitted(f"the network {run.called} has no {k} finite curvatures")
        if values[-1] <= 0:
            return Omitted(f"l{k} of the Hessian {run.called} is not positive")
        logs.append(math.log(values[0] / values[-1]))
    return logs[1] - logs[0]


def _why_unmeasured(run: RunRecord) -> str:
    if LevelArrays in run.observed:
        return f"the curvature {run.called} was not measured"
    return "recorded before this measure existed"


def _why_apart(twins: Twins) -> str:
    one, other = (levels_reached(r.observed) for r in (twins.baseline, twins.other))
    if lowest_common(one, other) is not None:  # and a note says why
        return "the curvatures could not be measured"
    return "no level of training loss was reached by both arms"


def _common_level(twins: Twins) -> int | None:
    one, other = (
        run.observed[CurvatureArrays].level.tolist()
        for run in (twins.baseline, twins.other)
    )
    return lowest_common(one, other)


def level_text(compared: Sequence[Twins]) -> str:
    """At which training losses twins were compared."""
    losses = set[float]()
    for twins in compared:
        seen = twins.baseline.observed[CurvatureArrays]
        at = seen.level.tolist().index(_common_level(twins))
        losses.add(float(seen.loss[at]))
    told = " or ".join(f"{loss:.2g}" for loss in sorted(losses))
    return f"compared at a training loss of {told}"


class LowAreas(NamedTuple):
    """Of baseline and other arm, on the plane through their start and their ends."""

    baseline: LowArea
    other: LowArea


def low_areas(twins: Twins, *, equal: bool = False) -> LowAreas | None:
    """The areas of low loss at the largest share of the way at which both are closed.

    Args:
        twins: With their surfaces on the common plane.
        equal: At the level of that arm for which it is higher; else each at its own.
    """
    arms = (twins.baseline.key.arm, twins.other.key.arm)
    both = list(zip(twins.bowls or (), arms, strict=False))
    for share in SHARES if both else ():
        levels = [level_at(surface, arm, share) for surface, arm in both]
        if equal:
            levels = [max(levels)] * 2
        pairs = zip(both, levels, strict=True)
        baseline, other = [low_area(*one, level) for one, level in pairs]
        if baseline is not None and other is not None:
            return LowAreas(baseline, other)
    return None


def _log_axes_ratio(twins: Twins, effect: float) -> float | None:
    del effect
    found = low_areas(twins)
    return found and math.log(found.other.elongation / found.baseline.elongation)


def _log_area_ratio(twins: Twins, effect: float) -> float | None:
    del effect
    found = low_areas(twins, equal=True)
    return found and math.log(found.other.area / found.baseline.area)


CLAIM = Definition(
    id="rounder-contours",
    statement="the contours of the loss are rounder {arm} than {baseline}",
    measure=(
        "ratio of l1/lk of the Hessian in row coordinates, its largest eigenvalue over "
        "the k-th, k = classes, at most 10; at equal training loss, the lowest of 8 "
        "levels that both reached"
    ),
    quantity="inequality of curvatures, l1/lk",
    figure="surface-common",
    scale="ratio",
    unit="ratio of curvatures",
    better="lower",
    margin=1.05,
    effect=log_curvature_ratio,
    surfaces=True,
    where=level_text,
    beside=(
        Second("axes of the area of low loss on the common plane", _log_axes_ratio),
        Second("that area at an equal loss", _log_area_ratio),
    ),
    formula=(
        r"\log \frac{(\lambda_1/\lambda_k)_{other}}{(\lambda_1/\lambda_k)_{base}} "
        r"\text{ of } D H D,\ D = \text{lengths of rows},\ k = \min(classes, 10)"
    ),
    papers=(
        "Li et al. 2018, arXiv 1712.09913 (contours); Ghorbani et al. 2019, arXiv "
        "1901.10159 (spectra of Hessians)"
    ),
    turns=(
        "a later level of training loss; coordinates in which the lengths of rows "
        "count; another k"
    ),
)
