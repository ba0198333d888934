"""The axis of steps that every figure along training shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

START = 0.5  # where a logarithmic axis has room for step 0


def at(step: NDArray[Any]) -> NDArray[np.float64]:
    """Where steps lie on the axis: step 0 at one half.

    Example:
        >>> at(np.array([0, 1, 10]))
        array([ 0.5,  1. , 10. ])
    """
    return np.where(step < 1, START, step).astype(np.float64)


AXIS: dict[str, Any] = {
    "type": "log",
    "tickvals": [START, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000],
    "ticktext": ["0", "1", "10", "100", "1,000", "10,000", "100,000", "10⁶"],
    "tickangle": 0,
}
TITLE = "step (log scale)"
