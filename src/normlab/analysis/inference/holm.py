"""Holm's correction for testing several claims at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    r"""Adjusted p-values: a claim with one below 0.05 holds in the whole family.

    With the p-values sorted upwards, the i-th becomes
    $\max_{j \le i} \min(1, (m - j + 1)\, p_{(j)})$. The probability of one or more
    false claims in the family stays below the level, whatever their dependence.

    Returns:
        The adjusted values in the order given.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    factors = np.arange(p.size, 0, -1)
    raised = np.maximum.accumulate(np.minimum(1.0, factors * p[order]))
    adjusted = np.empty_like(p)
    adjusted[order] = raised
    return adjusted.tolist()
