"""A share of studies, and how well it is known: they share the runs of one pool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.inference.spending import LEVEL


@dataclass(frozen=True)
class Share:
    """How many of some studies are wrong.

    Args:
        wrong: How many.
        of: Of how many.
        error: The standard error of the share that 5 % would have.
    """

    wrong: int
    of: int
    error: float

    @property
    def rate(self) -> float:
        """The share; 0 of none."""
        return self.wrong / self.of if self.of else 0.0

    @property
    def good(self) -> bool:
        """Whether it is at most 5 % plus two of its standard errors."""
        return self.rate <= LEVEL + 2 * self.error


def share(wrong: Sequence[bool], members: Sequence[NDArray[np.int64]]) -> Share:
    r"""The share of studies that are wrong, with its standard error.

    Studies are drawn from the $m$ runs of one pool, so two things are uncertain. The
    draw of the studies adds $.05 \cdot .95 / n$. The pool adds the jackknife over its
    runs, $\frac{m-1}{m} \sum_i (p_{-i} - \bar p)^2$ with $p_{-i}$ the share among the
    $n_i$ studies without run $i$, less what leaving studies out adds by chance,
    $\frac{m-1}{m} \sum_i p (1 - p) (1/n_i - 1/n)$.

    Args:
        wrong: Study by study.
        members: Which runs of the pool each study is made of, equally many each.

    Source: Efron and Stein 1981, Annals of Statistics 9(3), 586-596.

    Example:
        >>> share([True, False], [np.array([0, 1]), np.array([2, 3])]).rate
        0.5
    """
    n = len(wrong)
    if not n:
        return Share(0, 0, 0.0)
    flags = np.asarray(wrong, dtype=np.float64)
    variance = LEVEL * (1 - LEVEL) / n + _of_pool(flags, members)
    return Share(int(flags.sum()), n, math.sqrt(variance))


def _of_pool(wrong: NDArray[np.float64], members: Sequence[NDArray[np.int64]]) -> float:
    runs = np.stack(members)
    used = np.zeros((wrong.size, 1 + int(runs.max())), dtype=bool)
    np.put_along_axis(used, runs, values=True, axis=1)
    left = (~used).sum(axis=0)
    if not left.all():
        return 0.0  # every study is made of some run: nothing to leave out
    without = wrong @ ~used / left
    rate = wrong.mean()
    spread = np.square(without - without.mean()).sum()
    by_chance = (rate * (1 - rate) * (1 / left - 1 / wrong.size)).sum()
    return max(0.0, float((spread - by_chance) * (1 - 1 / left.size)))


def most(studies: int) -> float:
    """How many of so many independent studies may be wrong: 5 % and two errors."""
    return studies * LEVEL + 2 * math.sqrt(studies * LEVEL * (1 - LEVEL))
