"""One measure of a claim, in one phase: its effects over seeds and what they show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from normlab.analysis.inference.images import Images
from normlab.analysis.inference.interval import CONFIDENCE, Estimate, t_interval
from normlab.analysis.inference.mcnemar import mcnemar
from normlab.analysis.inference.mean import Mean, means

MIN_SEEDS = 3
EQUIVALENCE = 0.90  # the confidence of the interval that must lie inside the margin
EXACT = {"mcnemar": "McNemar's exact test", "sign": "exact sign test"}

Effects = NDArray[np.float64]  # (seeds,)


class Decision(NamedTuple):
    """The interval that a verdict is read from, and how it was made."""

    method: str
    level: float
    interval: tuple[float, float] | None
    df: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Component:
    """Effects of the seeds; ratios as logarithms.

    Args:
        effects: One per seed that has one.
        seeds: Which these are.
        name: By what and where it was measured, e.g. `in steps 19-187`; empty for the
            only component of a claim.
        test: Student's t test, or an exact one of signs.
        margin: Up to where a difference does not matter, on the scale of the effects;
            for McNemar's test a share of pairs.
        missing: Pairs that ended without an effect.
        images: What the test images add, of accuracies.
    """

    effects: Effects
    seeds: tuple[int, ...] = ()
    name: str = ""
    test: Literal["t", "mcnemar", "sign"] = "t"
    margin: float | None = None
    missing: int = 0
    images: Images | None = None

    @property
    def exact(self) -> bool:
        """Whether only the sign of an effect counts."""
        return self.test in EXACT

    @property
    def estimate(self) -> Estimate:
        """Mean effect and the interval that decides."""
        low, high = self.decides().interval or (np.nan, np.nan)
        mean = t_interval(self.effects)
        return mean._replace(low=low, high=high)

    @property
    def only_one(self) -> tuple[int, int]:
        """How many seeds speak for the other arm alone, and for the baseline alone."""
        return only_one(self.effects)

    @property
    def side(self) -> int:
        """1 if the other arm's values are higher, -1 if lower, 0 if neither."""
        return self._side(self.effects)

    @cached_property
    def p(self) -> float | None:
        """Two-sided p; None where a test is impossible or there are too few seeds."""
        return self._p(self.effects)

    @cached_property
    def worst_p(self) -> float | None:
        """That with every missing pair against the side that was found.

        A missing pair counts with the largest effect seen, on the other side; 1 if
        that changes sides.
        """
        if self.p is None or not self.missing:
            return self.p
        imputed = self.imputed(-self.side)
        if self._side(imputed) != self.side:
            return 1.0
        return max(self.p, self._p(imputed) or 0.0)

    @cached_property
    def inside(self) -> bool:
        """Whether what was measured lies inside the margin."""
        return self._inside(self.effects, 0)

    @cached_property
    def surely_inside(self) -> bool:
        """Whether it does wherever the missing pairs lie."""
        if self.missing and self.test != "mcnemar" and not self.effects.any():
            return False  # equal effects say nothing of how far a lost one may be
        sides = (-1, 1) if self.missing and not self.exact else ()
        imputed = (self._inside(self.imputed(side), 0) for side in sides)
        return self.inside and self._inside(self.effects, self.missing) and all(imputed)

    def decides(self, level: float = CONFIDENCE) -> Decision:
        """The larger interval. Counts have none, nor have effects without spread."""
        if self.exact:
            return Decision(EXACT[self.test], level, None, None)
        ends = self._interval(self.effects, level)
        if ends is None:
            return Decision("none: no spread over seeds", level, None, None)
        widest = max(means(self.effects, self.images), key=lambda m: m.half(level))
        return Decision(widest.method, level, ends, widest.freedom)

    def imputed(self, side: int) -> Effects:
        """The effects with the largest one, on that side, for every missing pair."""
        largest = np.abs(self.effects).max(initial=0.0)
        return np.append(self.effects, np.full(self.missing, side * largest))

    def _interval(self, effects: Effects, level: float) -> tuple[float, float] | None:
        known = means(effects, self.images) if effects.size > 1 else ()
        if not known:
            return None
        half = max(mean.half(level) for mean in known)
        return known[0].mean - half, known[0].mean + half

    def _p(self, effects: Effects) -> float | None:
        if effects.size < MIN_SEEDS:
            return None
        if self.exact:
            return mcnemar(*only_one(effects))
        known: tuple[Mean, ...] = means(effects, self.images)
        return max(mean.p for mean in known) if known else None

    def _side(self, effects: Effects) -> int:
        more, less = only_one(effects)
        return int(np.sign(more - less if self.exact else effects.mean()))

    def _inside(self, effects: Effects, missing: int) -> bool:
        if self.margin is None or effects.size < MIN_SEEDS:
            return False
        if self.test == "mcnemar":
            unequal, pairs = sum(self.only_one) + missing, effects.size + missing
            return most_unequal(unequal, pairs) <= self.margin
        if not effects.any():
            return True
        ends = self._interval(effects, EQUIVALENCE)
        return ends is not None and max(map(abs, ends)) <= self.margin


def only_one(effects: Effects) -> tuple[int, int]:
    """How many effects are above 0, and how many below."""
    return int((effects > 0).sum()), int((effects < 0).sum())


def most_unequal(unequal: int, pairs: int) -> float:
    r"""The largest share of pairs that may differ: a one-sided 95 % bound.

    Example:
        >>> round(most_unequal(0, 29), 3), round(most_unequal(3, 3), 3)
        (0.098, 1.0)

    Source: Clopper and Pearson 1934, Biometrika 26(4), 404-413.
    """
    if unequal >= pairs:
        return 1.0
    return float(betaincinv(unequal + 1, pairs - unequal, CONFIDENCE))
