"""Which accuracies an axis shows: those at which arms can be told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.series.trajectory import Band


def accuracy_window(bands: Sequence[Band]) -> list[float]:
    """Both ends of an axis of accuracies, in percent, the same for all arms.

    From 0 to 100 two good networks are one line. The axis reaches from the best mean
    down to the lowest one of the second half of training, and as far again below it,
    so that the end of the climb is seen; it never leaves 0 to 100.

    Example:
        >>> steps = np.array([0.0, 10.0, 20.0])
        >>> ends = np.array([0.1, 0.96, 0.98])
        >>> band = Band(
        ...     arm="none", rate=0.1, step=steps, mean=ends, low=ends, high=ends,
        ...     seeds=1, step_seconds=0.1,
        ... )
        >>> [round(float(end), 2) for end in accuracy_window([band])]
        [93.8, 98.2]
    """
    late = [_finite(band.mean[band.step >= band.step[-1] / 2]) for band in bands]
    every = [_finite(band.mean) for band in bands]
    if not any(one.size for one in late):
        return [0.0, 100.0]
    lowest = 100 * min(float(one.min()) for one in late if one.size)
    highest = 100 * max(float(one.max()) for one in every if one.size)
    span = max(highest - lowest, 0.5)
    pad = 0.1 * span
    return [max(lowest - span - pad, 0.0), min(highest + pad, 100.0)]


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]
