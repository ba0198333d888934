"""A mean effect with its standard error: over seeds, and over test images too."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from normlab.analysis.inference.images import Images
from normlab.analysis.inference.interval import is_constant, t_quantile

OVER_SEEDS = "paired t over seeds"
OVER_IMAGES = "t over seeds and test images, Satterthwaite's degrees of freedom"


class Mean(NamedTuple):
    """A mean, one estimate of its standard error, and how well that is known."""

    method: str
    mean: float
    error: float
    freedom: float

    def half(self, confidence: float) -> float:
        """How far its t interval reaches to each side."""
        return float(t_quantile(self.freedom, confidence) * self.error)

    @property
    def p(self) -> float:
        """Two-sided, of the t test of mean 0."""
        return float(2 * stdtr(self.freedom, -abs(self.mean) / self.error))


def means(effects: NDArray[np.float64], images: Images | None) -> tuple[Mean, ...]:
    """The ways to see a mean; the more cautious one decides, interval and p apart.

    Returns:
        Nothing for effects without any spread.
    """
    if is_constant(effects):
        return ()
    deviation = float(effects.std(ddof=1))
    return means_of(float(effects.mean()), deviation, effects.size, images)


def means_of(
    mean: float, deviation: float, n: int, images: Images | None
) -> tuple[Mean, ...]:
    r"""Those of n effects with this mean and standard deviation.

    Over seeds the squared error is $s^2/n$ with $n - 1$ degrees of freedom. Where the
    $m$ test images are drawn anew too it is $v = s^2/n + v_i$, with
    $v^2 / (\frac{(s^2/n)^2}{n - 1} + \frac{v_i^2}{m - 1})$ of them.

    Source: Satterthwaite 1946, Biometrics Bulletin 2(6), 110-114.
    """
    errors = errors_of(deviation, n, images)
    methods = (OVER_SEEDS, OVER_IMAGES)[: len(errors)]
    return tuple(
        Mean(method, mean, float(error), float(freedom))
        for method, (error, freedom) in zip(methods, errors, strict=True)
    )


def errors_of(deviation: Any, n: int, images: Images | None) -> list[tuple[Any, Any]]:
    """The standard errors of `means_of` with their degrees of freedom.

    Args:
        deviation: Of the seeds; a number or an array of them.
        n: Seeds.
        images: What the test images add.
    """
    by_seeds = deviation**2 / n
    over_seeds = np.sqrt(by_seeds), n - 1
    if images is None or images.number < 2:
        return [over_seeds]
    whole = by_seeds + images.variance
    known = by_seeds**2 / (n - 1) + images.variance**2 / (images.number - 1)
    return [over_seeds, (np.sqrt(whole), whole**2 / known)]
