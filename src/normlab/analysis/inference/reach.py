"""How small p can become at all with so many seeds, and how many it would take."""

from __future__ import annotations

from itertools import count

from scipy.special import stdtr

from normlab.analysis.design.rates import claim_seeds
from normlab.analysis.inference.component import MIN_SEEDS, Component
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.mcnemar import mcnemar


def smallest_p(component: Component, pairs: int) -> float:
    """The p of effects that are all equal, each missing pair as large against them.

    Args:
        component: Its test, and how many pairs are missing.
        pairs: With the missing ones.
    """
    missing = component.missing
    if pairs <= 2 * missing:
        return 1.0
    if component.exact:
        return mcnemar(pairs - missing, missing) or 1.0
    if not missing:
        return 0.0
    mean = (pairs - 2 * missing) / pairs
    variance = 4 * missing * (pairs - missing) / (pairs * (pairs - 1))
    return float(2 * stdtr(pairs - 1, -mean / (variance / pairs) ** 0.5))


def can_decide(component: Component, others: Others) -> bool:
    """Whether any effects of so many seeds would be significant in the family."""
    pairs = component.effects.size + component.missing
    return others.significant(smallest_p(component, pairs))


def seeds_needed(component: Component, others: Others, *, choosing: bool) -> int:
    """The smallest number of seeds with which that is so.

    Args:
        component: Its test, and how many pairs are missing.
        others: The other claims of the family.
        choosing: Whether some of the seeds choose the rates, and make no claim.

    Example:
        >>> import numpy as np
        >>> signs = Component(effects=np.ones(3), test="sign")
        >>> seeds_needed(signs, Others(()), choosing=False)
        6
        >>> seeds_needed(signs, Others([0.01]), choosing=False)
        6
        >>> seeds_needed(signs, Others([0.5]), choosing=False)
        7
        >>> seeds_needed(signs, Others(()), choosing=True)
        8
    """
    budget = others.budget
    fewest = MIN_SEEDS if budget.final else budget.seeds + 1
    return next(
        seeds
        for seeds in count(fewest)
        if others.at(budget.next(seeds)).significant(
            smallest_p(component, _pairs(seeds, choosing))
        )
    )


def _pairs(seeds: int, choosing: bool) -> int:
    return len(claim_seeds(range(seeds))) if choosing else seeds
