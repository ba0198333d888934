"""One measured number along training, over the seeds of an arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.inference.interval import t_interval

Curve = NDArray[np.float64]


class Trajectory(NamedTuple):
    """What one run showed: a number at each of its moments."""

    step: NDArray[np.int64]  # (steps,)
    value: NDArray[np.floating]  # (steps,)


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """The mean over seeds at the moments that all of them share, 95 % t interval."""

    arm: str
    step: Curve  # (steps,)
    mean: Curve  # (steps,), nan where no seed has a finite value
    low: Curve  # (steps,), nan for fewer than two seeds
    high: Curve  # (steps,)


def over_seeds(
    arm: str, trajectories: Sequence[Trajectory], *, ratio: bool = False
) -> Series:
    """Mean and interval at every shared moment.

    Args:
        arm: Whose runs they are.
        trajectories: One per seed, at least one.
        ratio: Whether to average logarithms, as positive scales ask for.

    Example:
        >>> runs = [Trajectory(np.array([0, 5]), np.array([1.0, 2.0])),
        ...         Trajectory(np.array([0, 5, 9]), np.array([3.0, 2.0, 7.0]))]
        >>> over_seeds("batch", runs).mean
        array([2., 2.])
    """
    step = reduce(np.intersect1d, [trajectory.step for trajectory in trajectories])
    rows = [
        trajectory.value[np.isin(trajectory.step, step)] for trajectory in trajectories
    ]
    table = np.asarray(rows, dtype=np.float64)
    if ratio:
        table = np.log(np.where(table > 0, table, np.nan))
    columns = [t_interval(column[np.isfinite(column)]) for column in table.T]
    mean, low, high, _ = np.array(columns).reshape(-1, 4).T
    back = np.exp if ratio else np.asarray
    return Series(
        arm=arm,
        step=step.astype(np.float64),
        mean=back(mean),
        low=back(low),
        high=back(high),
    )
