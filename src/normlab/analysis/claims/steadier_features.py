"""What units respond to changes less, beyond shift and scale."""

from __future__ import annotations

import math

import numpy as np

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.seen import both, shared_places
from normlab.analysis.drift import feature_change


def log_change_ratio(twins: Twins) -> float | Omitted:
    """Logarithm of the other arm's change of features over that of the baseline."""
    seen = both(twins, "activations")
    if isinstance(seen, Omitted):
        return seen
    places = shared_places(seen, "correlation")
    if not places:
        return Omitted("no hidden layer that both arms have was seen to the end")
    baseline, other = (
        np.array([feature_change(arm[keys[i]])[:-1] for keys in places])
        for i, arm in enumerate(seen)
    )
    finite = np.isfinite(baseline) & np.isfinite(other)
    sums = [float(np.maximum(of[finite], 0).sum()) for of in (other, baseline)]
    if min(sums) <= 0:
        return Omitted("no feature changed")
    return math.log(sums[0] / sums[1])


CLAIM = Definition(
    id="steadier-features",
    statement="the features of {arm} change less than those of {baseline}",
    measure=(
        "ratio of 1 - abs(correlation) between a unit's activations on the way and at "
        "the end, over the same images; median over units, mean over moments and layers"
    ),
    scale="ratio",
    unit="1 - abs(correlation)",
    better="lower",
    margin=1.05,
    effect=log_change_ratio,
    probe="activations",
)
