"""The connected area of low loss around a run's end on a surface."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.records.surface import Surface

FINER = 8  # so many cells for one, in each direction
LEAST = FINER**2  # cells of an area that is larger than what the grid can show


class LowArea(NamedTuple):
    """Where the loss is at most a level, connected with the end."""

    area: float
    """In squared units of the plane's coordinates."""
    elongation: float
    """Ratio of its axes: square root of that of its principal second moments."""


def level_at(surface: Surface, arm: str, share: float) -> float:
    r"""$L_{end} + s\,(L_{start} - L_{end})$ of the marked points; nan where one is not.

    Args:
        surface: With the marks "start" and "end ARM".
        arm: Whose end.
        share: s.
    """
    at = {mark.name: mark.plane_loss for mark in surface.marks}
    start, end = at.get("start"), at.get(f"end {arm}")
    if start is None or end is None or not start > end:
        return math.nan
    return end + share * (start - end)


def low_area(surface: Surface, arm: str, level: float) -> LowArea | None:
    """The area whose loss is at most `level`, as far as it is connected with the end.

    Between the points of the grid the loss is interpolated linearly.

    Returns:
        None where it is not closed: it leaves the window or meets a hole, or the end
        does not lie in it.
    """
    end = next((m for m in surface.marks if m.name == f"end {arm}"), None)
    if end is None or not math.isfinite(level):
        return None
    a, b = _finer(surface.a), _finer(surface.b)
    loss = _interpolated(surface, a, b)
    region = np.zeros(loss.shape, np.bool_)
    region[np.abs(b - end.b).argmin(), np.abs(a - end.a).argmin()] = True
    region &= loss <= level
    while (grown := _neighbours(region) & (loss <= level)).sum() > region.sum():
        region = grown
    beside = _neighbours(region)
    if not np.isfinite(loss[beside]).all() or _at_edge(region):
        return None
    rows, columns = np.nonzero(region)
    if len(rows) < LEAST:
        return None
    spread = np.cov(np.stack([a[columns], b[rows]]), ddof=0)
    small, large = map(float, np.linalg.eigvalsh(spread))
    if not small > 0:
        return None
    cell = (a[1] - a[0]) * (b[1] - b[0])
    return LowArea(area=float(len(rows) * cell), elongation=math.sqrt(large / small))


def _neighbours(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """It, and the cells that share a side with it."""
    wide = np.pad(region, 1)
    return region | wide[2:, 1:-1] | wide[:-2, 1:-1] | wide[1:-1, 2:] | wide[1:-1, :-2]


def _at_edge(region: NDArray[np.bool_]) -> bool:
    sides = region[0], region[-1], region[:, 0], region[:, -1]
    return any(side.any() for side in sides)


def _finer(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linspace(axis[0], axis[-1], (len(axis) - 1) * FINER + 1)


def _interpolated(
    surface: Surface, a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    rows = np.stack([np.interp(a, surface.a, row) for row in surface.loss])
    return np.stack([np.interp(b, surface.b, c) for c in rows.T], axis=1)
