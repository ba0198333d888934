"""The chance that a test decides, and how many more seeds would make it likely."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import (
    bdtr,
    bdtrc,
    bdtrik,
    betaincinv,
    gammaincinv,
    gammaln,
    ndtr,
    xlog1py,
    xlogy,
)

from normlab.analysis.inference.component import EQUIVALENCE, MIN_SEEDS, Component
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.images import Images
from normlab.analysis.inference.interval import CONFIDENCE, t_quantile
from normlab.analysis.inference.mean import errors_of
from normlab.analysis.inference.spending import Budget

MOST = 1000  # further seeds; beyond, "more than" is said
EVEN, LIKELY = 0.5, 0.8
_NODES = (np.arange(64) + 0.5) / 64  # of the distribution of a sample's variance


class Outlook(NamedTuple):
    """Seeds to add for a chance of a verdict; None if even 1,000 do not give it."""

    even: int | None
    likely: int | None


def outlook(part: Component, others: Others, *, resolved: bool = True) -> Outlook:
    """How many more seeds decide with even chance, and with 80 %.

    Effect and spread are taken to be as measured, and the p-values of the other claims
    to stay. Up to as many seeds as were declared the new ones join those there are, at
    a look that spends its part of the level; beyond, they are judged by themselves.

    Args:
        part: At least three effects that are not all the same.
        others: The other claims of the family, at the look at hand.
        resolved: Whether the data could show a difference as small as the margin.
    """
    budget = others.budget
    room = max(0, budget.at_most - budget.seeds)
    pairs = part.effects.size

    def joined(more: int) -> float:
        later = others.at(budget.next(budget.seeds + more))
        return chance(part, pairs + more, later, resolved=resolved)

    def fresh(more: int) -> float:
        alone = others.at(Budget(seeds=more, at_most=more))
        return chance(part, more, alone, resolved=resolved)

    def fewest(wanted: float) -> int | None:
        if found := _first(joined, 1, room, wanted):
            return found
        found = _first(fresh, MIN_SEEDS, MOST, wanted)
        return room + found if found else None

    return Outlook(fewest(EVEN), fewest(LIKELY))


def _first(
    chance_at: Callable[[int], float], low: int, high: int, wanted: float
) -> int | None:
    """The smallest number from low to high with that chance; it grows with them."""
    numbers = range(low, high + 1)
    at = bisect_left(numbers, 1, key=lambda n: int(chance_at(n) >= wanted))
    return None if at == len(numbers) else numbers[at]


def chance(
    part: Component, pairs: int, others: Others, *, resolved: bool = True
) -> float:
    """The probability of a verdict, if effects are distributed as those measured.

    Args:
        part: Says how effects are distributed, and which test decides.
        pairs: How many there will be.
        others: The other claims, at the look that will be taken.
        resolved: Whether the data could show a difference as small as the margin.
    """
    p, equality = others.threshold(), resolved and others.budget.final
    if part.exact:
        return _of_signs(part, pairs, p, equality)
    mean, deviation = float(part.effects.mean()), float(part.effects.std(ddof=1))
    return t_chance(
        mean,
        deviation,
        pairs,
        p,
        images=part.images,
        margin=part.margin,
        equality=equality,
    )


def t_chance(
    mean: float,
    deviation: float,
    pairs: int,
    p: float,
    *,
    images: Images | None = None,
    margin: float | None = None,
    equality: bool = False,
) -> float:
    r"""The probability that a t test falls below p, or shows equality.

    Effects are normal. Given the sample's deviation $s$ the mean $\bar x \sim
    N(\mu, \sigma^2/n + v_i)$ decides where $|\bar x|$ is beyond the interval of level
    $1 - p$, or within the margin less the 90 % interval; that is averaged over $s^2
    \sim \sigma^2 \chi^2_{n-1}/(n-1)$. Without images and margin it is the noncentral
    t probability.

    Args:
        mean: True effect.
        deviation: Over seeds; positive.
        pairs: Seeds; two or more.
        p: To fall below.
        images: What the test images add.
        margin: Inside of which a difference is none.
        equality: Whether that counts; else an effect inside stays open.

    Example:
        >>> round(t_chance(1.0, 1.0, 10, 0.05), 3)
        0.803

    Source: Johnson and Welch 1940, Biometrika 31(3/4), 362-389.
    """
    half_freedom = (pairs - 1) / 2
    s = deviation * np.sqrt(gammaincinv(half_freedom, _NODES) / half_freedom)
    variance = deviation**2 / pairs + (images.variance if images else 0.0)

    def within(reach: NDArray[np.float64]) -> NDArray[np.float64]:
        r, spread = np.maximum(reach, 0.0), np.sqrt(variance)
        return ndtr((r - mean) / spread) - ndtr((-r - mean) / spread)

    def half(confidence: float) -> NDArray[np.float64]:
        known = errors_of(s, pairs, images)
        ends = [t_quantile(df, confidence) * error for error, df in known]
        return np.max(ends, axis=0)

    beyond = half(1 - p)
    inside = np.full_like(s, 0.0 if margin is None else margin) - half(EQUIVALENCE)
    if equality:
        open_ = np.maximum(within(beyond) - within(inside), 0.0)
    else:
        open_ = within(np.maximum(beyond, inside))
    return float(1 - open_.mean())


def _of_signs(part: Component, pairs: int, p: float, equality: bool) -> float:
    """The same of an exact test: pairs that differ, and which way, are binomial."""
    above, below = part.only_one
    share = (above + below) / part.effects.size
    unequal = np.arange(pairs + 1)
    # the most that may speak for the rarer side
    most = np.floor(bdtrik(np.minimum(p / 2, 1.0), np.maximum(unequal, 1), 0.5) + 1)
    for _ in range(3):  # its rounding
        most = np.where(2 * bdtr(np.maximum(most, 0), unequal, 0.5) < p, most, most - 1)
    one_sided = above / max(above + below, 1)
    few = np.where(most >= 0, bdtr(np.maximum(most, 0), unequal, one_sided), 0.0)
    many = bdtrc(np.minimum(unequal - most - 1, unequal), unequal, one_sided)
    decided = np.where(most >= 0, few + many, 0.0)
    if equality and part.test == "mcnemar" and part.margin is not None:
        bound = betaincinv(unequal[:-1] + 1, pairs - unequal[:-1], CONFIDENCE)
        decided[:-1] = np.where(bound <= part.margin, 1.0, decided[:-1])
    return float(np.clip(decided, 0.0, 1.0) @ _binomial(unequal, pairs, share))


def _binomial(k: NDArray[np.int_], n: int, share: float) -> NDArray[np.float64]:
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.exp(ways + xlogy(k, share) + xlog1py(n - k, -share))
