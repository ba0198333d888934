"""How many more seeds would settle a claim that is open."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from normlab.analysis.inference.component import EQUIVALENCE, Component
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.mcnemar import mcnemar
from normlab.analysis.inference.mean import means_of
from normlab.analysis.inference.reach import LEVEL

MOST = 1000  # further seeds; beyond, "more than" is said


def further_seeds(
    evidence: Evidence, others: Others, *, resolved: bool = True
) -> int | None:
    """Seeds to add until a verdict falls, if mean and spread stay as they are.

    Settled means: below the level after correction, or the 90 % interval inside the
    margin. The other claims of the family keep their p-values. Where test images are
    drawn anew too, their share of the variance does not shrink with more seeds.

    Args:
        evidence: At least three effects that are not all the same, in one component.
        others: The other claims of the family.
        resolved: Whether the data could show a difference as small as the margin.

    Returns:
        At least 1; None if even 1,000 would not settle it.
    """
    part = evidence.decider
    settled = _by_signs(part, others) if part.exact else _by_t(part, others, resolved)
    n = part.effects.size
    # settled once, it stays so: the first 1 of zeros and ones
    found = bisect_left(range(n + 1, n + MOST + 1), 1, key=lambda n: int(settled(n)))
    return None if found == MOST else found + 1


def _by_t(part: Component, others: Others, resolved: bool) -> Callable[[int], bool]:
    mean = float(part.effects.mean())
    deviation = float(part.effects.std(ddof=1))

    def settled(seeds: int) -> bool:
        known = means_of(mean, deviation, seeds, part.images)
        reach = abs(mean) + max(each.half(EQUIVALENCE) for each in known)
        if part.margin is not None and reach <= part.margin:
            return resolved
        return others.adjusted(max(each.p for each in known)) < LEVEL

    return settled


def _by_signs(part: Component, others: Others) -> Callable[[int], bool]:
    shares = [pairs / part.effects.size for pairs in part.only_one]

    def settled(seeds: int) -> bool:
        p = mcnemar(*(round(share * seeds) for share in shares))
        return p is not None and others.adjusted(p) < LEVEL

    return settled
