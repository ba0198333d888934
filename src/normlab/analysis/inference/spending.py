"""How much of the 5 % each look at a growing study may spend."""

from __future__ import annotations

from typing import NamedTuple

from scipy.special import ndtr, ndtri

from normlab.analysis.inference.interval import CONFIDENCE

LEVEL = round(1 - CONFIDENCE, 9)  # .05, as people write it


def spent_by(share: float) -> float:
    r"""The part of the level that may be spent by a share of the declared seeds.

    $A(t) = 2 - 2 \Phi(z / \sqrt t)$, z the normal quantile 1.96: little at first, all
    of the level at the end, as O'Brien and Fleming's bounds have it.

    Example:
        >>> [round(spent_by(share), 5) for share in (0.25, 0.5, 0.75, 1.0)]
        [9e-05, 0.00557, 0.02363, 0.05]

    Source: Lan and DeMets 1983, Biometrika 70(3), 659-663.
    """
    if share >= 1:
        return LEVEL
    return float(2 * ndtr(ndtri(LEVEL / 2) / share**0.5))


class Budget(NamedTuple):
    """What one look may spend, and what is left for later ones.

    Look k decides below $A(t_k) - A(t_{k-1})$. These levels add up to 5 % at most,
    however the looks depend on each other, so no joint distribution is needed: what
    holds for normal means holds for t tests too.

    Example:
        >>> Budget(seeds=5).level, round(Budget(seeds=5, at_most=10).level, 5)
        (0.05, 0.00557)
    """

    seeds: int = 0
    """Of the look."""
    at_most: int = 0
    """Declared before the first verdict; no more than there are: one look, no other."""
    spent: float = 0.0
    """By the looks before."""
    before: int = 0
    """Seeds of the study that have been judged by themselves."""

    @property
    def level(self) -> float:
        """What a corrected p must be below."""
        return self.level_at(self.seeds) if self.at_most else LEVEL

    @property
    def final(self) -> bool:
        """Whether no look is to come: only then may no difference be found."""
        return self.seeds >= self.at_most

    @property
    def declared(self) -> bool:
        """Whether it is one of several looks that share the level."""
        return not self.final or self.spent > 0

    def level_at(self, seeds: int) -> float:
        """The level of this look, had it so many seeds."""
        return spent_by(seeds / self.at_most) - self.spent

    def later(self) -> Budget:
        """After this look, for the next one."""
        return self._replace(spent=spent_by(self.seeds / max(self.at_most, 1)))

    def next(self, seeds: int) -> Budget:
        """Of a later look: together with those of this one, or beyond by themselves."""
        if self.seeds < seeds <= self.at_most:
            return self.later()._replace(seeds=seeds)
        return Budget(seeds=seeds, at_most=seeds)


ONLY = Budget()
"""Of a look that is the only one."""
