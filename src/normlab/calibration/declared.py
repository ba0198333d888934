"""How often a growing study errs: looks at normal effects in which nothing differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from normlab.analysis.inference.spending import LEVEL, Budget
from normlab.calibration.share import most

ADDRESS = int.from_bytes(b"looks", "big")


@dataclass(frozen=True, kw_only=True)
class Design:
    """How many claims are judged, at which numbers of seeds, of how many declared."""

    claims: int
    looks: tuple[int, ...]
    at_most: int


DESIGNS = tuple(
    Design(claims=claims, looks=looks, at_most=at_most)
    for claims in (1, 9)
    for looks, at_most in (
        ((5,), 5),
        ((5, 10), 10),
        ((3, 5, 10, 20), 20),
        (tuple(range(3, 21)), 20),
        ((5, 6, 7), 20),
    )
)
"""One look, two, doubled, after every seed, and a study that stops before its end."""


@dataclass(frozen=True, kw_only=True)
class FalseLooks:
    """Studies of one design in which any claim was decided at any look."""

    design: Design
    studies: int
    false: int
    naive: int
    """The same if each look were judged at 5 %, as if it were the only one."""

    @property
    def good(self) -> bool:
        """Whether the share is at most 5 % plus two of its standard errors."""
        return self.false <= most(self.studies)


def simulate(design: Design, studies: int) -> FalseLooks:
    """Judge studies whose claims have normal effects of mean 0, look by look.

    Under Holm's method a family has a false claim exactly if its smallest p times the
    number of claims is below the level. The claims of a study share half of their
    variance, as claims about the same runs do.

    Args:
        design: Of each study.
        studies: How many.
    """
    stream = np.random.default_rng([ADDRESS, design.claims, *design.looks])
    seeds = max(design.looks)
    shared = stream.normal(size=(studies, 1, seeds))
    effects = shared + stream.normal(size=(studies, design.claims, seeds))
    false, naive = (np.zeros(studies, np.bool_) for _ in range(2))
    budget = Budget(at_most=design.at_most)
    for n in design.looks:
        seen, budget = effects[..., :n], budget._replace(seeds=n)
        t = seen.mean(axis=-1) / (seen.std(axis=-1, ddof=1) / np.sqrt(n))
        smallest = design.claims * (2 * stdtr(n - 1, -np.abs(t))).min(axis=-1)
        false |= smallest < budget.level
        naive |= smallest < LEVEL
        budget = budget.later()
    return FalseLooks(
        design=design,
        studies=studies,
        false=int(false.sum()),
        naive=int(naive.sum()),
    )


def simulated(
    studies: int, designs: Sequence[Design] = DESIGNS
) -> tuple[FalseLooks, ...]:
    """`simulate` for each design."""
    return tuple(simulate(design, studies) for design in designs)
