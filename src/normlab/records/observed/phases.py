"""The phases of training: when gradients are looked at, and what is told together.

Early steps are short and unlike the later ones; an average over all moments would be
about wherever most of them lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MAX_MOMENTS, STEPS_PER_MOMENT = 40, 120
"""A moment takes a dozen passes; so seldom they stay affordable."""
LEAST = 3
"""Moments of a phase; with fewer it is told together with its neighbour."""


class Phase(NamedTuple):
    """A stretch of training, by how many steps have been taken; both ends belong to it.

    Example:
        >>> str(Phase(19, 187))
        'in steps 19-187'
    """

    first: int
    last: int

    def __str__(self) -> str:
        return f"in steps {self.first}-{self.last}"


def ends(steps: int) -> tuple[int, int, int]:
    """Where start, early phase and rest end: .4 % and 4 % of the steps, the last step.

    Example:
        >>> ends(4690)
        (18, 187, 4689)
    """
    return steps * 4 // 1000, steps * 4 // 100, steps - 1


def moments(steps: int) -> tuple[int, ...]:
    """`min(40, steps / 120)` moments, each with a step behind it.

    A fifth of them is log-spaced in the start, a fifth in the early phase, the others
    are even in steps. Those that rounding makes equal count once; of a short training
    there is one at least.

    Args:
        steps: Of the whole training.

    Example:
        >>> moments(1200)
        (1, 4, 5, 48, 240, 432, 624, 815, 1007, 1199)
    """
    start, early, last = ends(steps)
    count = max(1, min(MAX_MOMENTS, steps // STEPS_PER_MOMENT))
    fifth = count // 5
    spaced = (
        *np.geomspace(1, max(start, 1), fifth),
        *np.geomspace(start + 1, max(early, start + 1), fifth),
        *np.linspace(early, last, count - 2 * fifth + 1)[1:],
    )
    return tuple(sorted({min(round(float(step)), last) for step in spaced}))


def phases(seen: Sequence[int], steps: int) -> tuple[Phase, ...]:
    """Start, early phase and rest, as far as each has three moments.

    One with fewer joins the next, the last one the one before.

    Args:
        seen: Distinct moments at which something was measured.
        steps: Of the whole training.

    Returns:
        None of them if there are fewer than three moments.

    Example:
        >>> phases(moments(4690), 4690)[:2]
        (Phase(first=1, last=18), Phase(first=19, last=187))
        >>> phases(moments(600), 600)
        (Phase(first=1, last=599),)
    """
    found: list[Phase] = []
    first = 1
    for last in ends(steps):
        if sum(first <= moment <= last for moment in seen) >= LEAST:
            found.append(Phase(first, last))
            first = last + 1
    if found:
        found[-1] = Phase(found[-1].first, ends(steps)[-1])
    return tuple(found)
