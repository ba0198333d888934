"""Holm's correction for testing several claims at once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np

from normlab.analysis.inference.spending import ONLY, Budget


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


class Others:
    """The p-values of the other claims of a family, sorted once for all its members.

    Args:
        p_values: In any order.
        budget: Of the look at which they are judged.

    Example:
        >>> others = Others([0.01, 0.04, 0.03])
        >>> len(others), len(others.without(0.04)), others.without(0.04).adjusted(0.04)
        (3, 2, 0.06)
    """

    def __init__(self, p_values: Sequence[float], budget: Budget = ONLY) -> None:
        self.budget = budget
        self._p = np.sort(np.asarray(p_values, dtype=np.float64))
        factors = np.arange(self._p.size, 0, -1)
        self._most = np.maximum.accumulate(factors * self._p)
        self._raised = (factors + 1) * self._p  # with one more in the family
        self._most_raised = np.maximum.accumulate(self._raised)
        self._missing: int | None = None

    def __len__(self) -> int:
        return self._p.size - (self._missing is not None)

    def without(self, p: float) -> Others:
        """The same but for one that has this p."""
        rest = copy(self)
        rest._missing = int(np.searchsorted(self._p, p))
        return rest

    def adjusted(self, p: float) -> float:
        """What `holm` makes of a p among these: at most 1."""
        place = int(np.searchsorted(self._p, p))
        if self._missing is None:  # one more than there are
            below = self._most_raised[place - 1] if place else 0.0
        elif place <= self._missing:
            below = self._most[place - 1] if place else 0.0
        else:  # behind the one that is left out, each place counts one more
            place -= 1
            later = self._raised[self._missing + 1 : place + 1]
            first = self._most[self._missing - 1] if self._missing else 0.0
            below = max(first, later.max(initial=0.0))
        return min(1.0, max(float(below), (len(self) + 1 - place) * p))

    def significant(self, p: float) -> bool:
        """Whether a p among these decides at this look."""
        return self.adjusted(p) < self.budget.level

    def threshold(self) -> float:
        """What an uncorrected p among these must be below to decide at this look.

        Example:
            >>> round(Others([0.01, 0.4]).threshold(), 6)
            0.025
        """
        low, high = 0.0, 1.0
        while high - low > 1e-12 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.significant(middle) else (low, middle)
        return high

    def at(self, budget: Budget) -> Others:
        """The same at another look."""
        same = copy(self)
        same.budget = budget
        return same
