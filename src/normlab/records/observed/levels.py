"""The networks that are compared at equal training loss."""

from __future__ import annotations

from normlab.records.observed.contract import Array, ProbeArrays, kept


class LevelArrays(ProbeArrays, probe="levels"):
    """When the training loss first fell below each level, for `curvature.npz`.

    The loss is the median of the last 101 step losses; level j is .5 ln(classes) / 2^j,
    j = 0 ... 7. A step at which it fell below several is there for each of them.
    """

    steps: Array = kept("steps taken when the network was kept", dtype="int")
    level: Array | None = kept("j: which one was reached", dtype="int", default=None)
