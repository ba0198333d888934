"""How many more seeds would settle a claim that is open."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable

from scipy.special import ndtri

from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.interval import CONFIDENCE, t_p, t_quantile
from normlab.analysis.inference.mcnemar import mcnemar

LEVEL = 1 - CONFIDENCE
EQUIVALENCE = 0.90  # the confidence of the interval that must lie inside the margin
MOST = 1000  # further seeds; beyond, "more than" is said


def further_seeds(evidence: Evidence, others: Others) -> int | None:
    """Seeds to add until a verdict falls, if mean and spread stay as they are.

    Settled means: below the level after correction, or the 90 % interval inside the
    margin. The other claims of the family keep their p-values. Where test images are
    drawn anew too, their share of the variance does not shrink with more seeds.

    Args:
        evidence: At least three effects that are not all the same.
        others: The other claims of the family.

    Returns:
        At least 1; None if even 1,000 would not settle it.
    """
    settled = _COUNTED[evidence.definition.test](evidence, others)
    n = evidence.effects.size
    # settled once, it stays so: the first 1 of zeros and ones
    found = bisect_left(range(n + 1, n + MOST + 1), 1, key=lambda n: int(settled(n)))
    return None if found == MOST else found + 1


def _by_t(evidence: Evidence, others: Others) -> Callable[[int], bool]:
    mean = abs(float(evidence.effects.mean()))
    deviation = float(evidence.effects.std(ddof=1))

    def half(seeds: int, confidence: float) -> float:
        variance = deviation**2 / seeds + evidence.image_variance
        over_images = ndtri(0.5 + confidence / 2) * math.sqrt(variance)
        over_seeds = t_quantile(seeds - 1, confidence) * deviation / math.sqrt(seeds)
        # without images the first is the smaller one
        return max(over_seeds, float(over_images))

    def settled(seeds: int) -> bool:
        significant = others.adjusted(t_p(mean, deviation, seeds)) < LEVEL
        if significant and mean > half(seeds, CONFIDENCE):
            return True
        margin = evidence.margin
        return margin is not None and mean + half(seeds, EQUIVALENCE) <= margin

    return settled


def _by_mcnemar(evidence: Evidence, others: Others) -> Callable[[int], bool]:
    shares = [pairs / evidence.effects.size for pairs in evidence.only_one]

    def settled(seeds: int) -> bool:
        p = mcnemar(*(round(share * seeds) for share in shares))
        return p is not None and others.adjusted(p) < LEVEL

    return settled


_COUNTED = {"t": _by_t, "mcnemar": _by_mcnemar}
