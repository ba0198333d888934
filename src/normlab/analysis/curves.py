"""Smooth curves of the step loss, and when they pass a target for good."""

from __future__ import annotations

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
    steps = curve.size
    smooth = ndimage.median_filter(curve.astype(np.float64), window)
    ends = {*range(min(half, steps)), *range(max(steps - half, 0), steps)}
    for step in ends:
        smooth[step] = np.median(curve[max(step - half, 0) : step + half + 1])
    return smooth


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
