"""How far activations are from where they end, unit by unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.floating]  # (steps, units)


def shift_from_end(mean: Table, std: Table) -> NDArray[np.float64]:
    r"""Median over units of $|m_t-m_T|/\sqrt{(s_t^2+s_T^2)/2}$ at every moment.

    Units that are constant at both moments have no scale and are left out.

    Args:
        mean: Of every unit over the images, shape `(steps, units)`.
        std: The same.

    Returns:
        Shape `(steps,)`, in standard deviations; nan where no unit is left.

    Example:
        >>> shift_from_end(np.array([[4.0], [9.0]]), np.array([[1.0], [7.0]]))
        array([1., 0.])
    """
    pooled = np.sqrt(
        (std.astype(np.float64) ** 2 + std[-1].astype(np.float64) ** 2) / 2
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        shifts = np.abs(mean - mean[-1]) / pooled
    return _median(np.where(pooled > 0, shifts, np.nan))


def living_shift(
    mean: Table, std: Table, dead: NDArray[np.bool_] | None
) -> NDArray[np.float64]:
    """`shift_from_end` over the units that are alive at both moments.

    Args:
        mean: Of every unit over the images, shape `(steps, units)`.
        std: The same.
        dead: Units that are never positive, the same; None where none can be.

    Returns:
        Shape `(steps,)`, in standard deviations; nan where no unit is left.

    Example:
        >>> mean, dead = np.array([[4.0, 1.0], [9.0, 9.0]]), np.array([[0, 1], [0, 0]])
        >>> living_shift(mean, np.ones((2, 2)), dead.astype(bool))
        array([5., 0.])
    """
    alive = mean if dead is None else np.where(dead, np.nan, mean)
    return shift_from_end(alive.astype(np.float64), std)


def feature_change(correlation: Table) -> NDArray[np.float64]:
    """Median over units of 1 - abs(correlation with the end) at every moment."""
    return _median(1 - np.abs(correlation.astype(np.float64)))


def _median(table: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = [row[np.isfinite(row)] for row in table]
    return np.array([np.median(row) if row.size else np.nan for row in rows])
