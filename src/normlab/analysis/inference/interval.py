"""Means with Student's t intervals, the paired t test, and intervals of shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri, stdtr, stdtrit

CONFIDENCE = 0.95
# Effects that differ by no more than rounding have no spread that could be tested.
ROUNDING = 1e-9


class Estimate(NamedTuple):
    """A mean over seeds and the interval that covers it; nan where it has none."""

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends, or None if they are unknown."""
        if np.isfinite(self.low) and np.isfinite(self.high):
            return self.low, self.high
        return None


def t_interval(
    values: Sequence[float] | NDArray[np.floating], confidence: float = CONFIDENCE
) -> Estimate:
    r"""The mean and its t interval $\bar x \pm t_{n-1} s/\sqrt n$.

    Over paired differences this is the paired t interval.

    Args:
        values: One number per seed.
        confidence: The share of such intervals that cover the true mean.

    Returns:
        The interval is nan for fewer than two values or if one is not finite.

    Example:
        >>> t_interval([1.0, 2.0, 3.0])
        Estimate(mean=2.0, low=-0.48..., high=4.48..., seeds=3)

    Source: Student 1908.
    """
    sample = np.asarray(values, dtype=np.float64)
    n = sample.size
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    if not np.isfinite(sample).all():
        return Estimate(np.nan, np.nan, np.nan, n)
    mean = float(sample.mean())
    if n == 1:
        return Estimate(mean, np.nan, np.nan, 1)
    half = float(t_quantile(n - 1, confidence) * sample.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, float(mean - half), float(mean + half), n)


def share_interval(k: int, n: int, confidence: float = CONFIDENCE) -> Estimate:
    r"""A share $p=k/n$ and its Wilson interval, which stays between 0 and 1.

    $(p + z^2/2n \pm z\sqrt{p(1-p)/n + z^2/4n^2}) / (1 + z^2/n)$, with z the normal
    quantile.

    Args:
        k: Of them.
        n: All; nothing is known of none.
        confidence: The share of such intervals that cover the true share.

    Example:
        >>> share_interval(0, 4)
        Estimate(mean=0.0, low=0.0, high=0.48..., seeds=4)

    Source: Wilson 1927.
    """
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    z, p = float(ndtri(0.5 + confidence / 2)), k / n
    middle = p + z**2 / (2 * n)
    half = z * float(np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)))
    low, high = ((middle + side * half) / (1 + z**2 / n) for side in (-1, 1))
    # rounding may carry an end beyond the share itself
    return Estimate(p, max(min(low, p), 0.0), min(max(high, p), 1.0), n)


def exact_share(k: int, n: int, confidence: float = CONFIDENCE) -> Estimate:
    r"""A share $p=k/n$ and its Clopper-Pearson interval, which never covers too rarely.

    Its ends are the quantiles $\alpha/2$ of $B(k, n-k+1)$ and $1-\alpha/2$ of
    $B(k+1, n-k)$, the beta distributions; 0 for k = 0 and 1 for k = n.

    Args:
        k: Of them.
        n: All; nothing is known of none.
        confidence: The least share of such intervals that cover the true share.

    Example:
        >>> exact_share(4, 6)
        Estimate(mean=0.66..., low=0.22..., high=0.95..., seeds=6)

    Source: Clopper and Pearson 1934, Biometrika 26(4), 404-413.
    """
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    tail = (1 - confidence) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return Estimate(k / n, low, high, n)


def t_quantile(freedom: Any, confidence: float = CONFIDENCE) -> Any:
    """How many standard errors a two-sided interval reaches to each side.

    Args:
        freedom: Degrees of it; a number or an array of them.
        confidence: Of the interval.
    """
    return stdtrit(freedom, 0.5 + confidence / 2)


def is_constant(values: Sequence[float] | NDArray[np.floating]) -> bool:
    """Whether all values are the same up to rounding, so that no t test exists."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.size < 2:
        return True
    return bool(np.ptp(sample) <= ROUNDING * np.abs(sample).max())


def t_test(values: Sequence[float] | NDArray[np.floating]) -> float | None:
    """Two-sided p of the one-sample t test of mean 0; None without any spread.

    Example:
        >>> round(t_test([1.0, 2.0, 3.0]), 4)
        0.0742
    """
    sample = np.asarray(values, dtype=np.float64)
    if is_constant(sample):
        return None
    return t_p(float(sample.mean()), float(sample.std(ddof=1)), sample.size)


def t_p(mean: float, deviation: float, n: int) -> float:
    """Two-sided p for a mean and a standard deviation over n values."""
    return float(2 * stdtr(n - 1, -abs(mean) / deviation * np.sqrt(n)))
