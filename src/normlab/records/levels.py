"""Levels of training loss at which networks are compared; torch-free."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

from normlab.records.observed.levels import LevelArrays
from normlab.records.observed.observations import Observations

LEVELS = 8
Levels = Mapping[int, int]
"""Each level that a run reached, to the step after which its network was kept."""


def level_loss(level: int, classes: int) -> float:
    r"""$\tfrac12 \ln(\text{classes})\,2^{-j}$ in nats, for level j = 0 ... 7.

    Example:
        >>> level_loss(0, 10), level_loss(7, 10)
        (1.151..., 0.0089...)
    """
    return 0.5 * math.log(classes) * 2.0**-level


def levels_reached(seen: Observations) -> Levels:
    """Those of one run; none where nobody looked."""
    if LevelArrays not in seen:
        return {}
    found = seen[LevelArrays]
    if found.level is None:
        return {}
    return dict(zip(found.level.tolist(), found.steps.tolist(), strict=True))


def lowest_common(one: Iterable[int], other: Collection[int]) -> int | None:
    """The lowest level that both reached, which has the largest number.

    Example:
        >>> lowest_common([0, 1, 2], [0, 1]), lowest_common([], [0])
        (1, None)
    """
    return max((level for level in one if level in other), default=None)
