"""Activation distributions drift less while the network trains."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.seen_by_name import Arrays, both, shared_places
from normlab.analysis.series.drift import living_shift


def _on_the_way(arrays: Arrays, place: str) -> NDArray[np.float64]:
    """A layer's shift before the end, where it is 0 by definition."""
    mean, std = arrays[f"{place}:in_mean"], arrays[f"{place}:in_std"]
    return living_shift(mean, std, arrays.get(f"{place}:dead"))[:-1]


def log_drift_ratio(twins: Twins) -> float | Omitted:
    """Logarithm of the other arm's drift, RMS over moments and layers, over ours."""
    seen = both(twins, "activations")
    if isinstance(seen, Omitted):
        return seen
    places = shared_places(seen, "in_mean")
    if not places:
        return Omitted("no hidden layer that both arms have was seen")
    baseline, other = (
        np.array([_on_the_way(arm, keys[i].rpartition(":")[0]) for keys in places])
        for i, arm in enumerate(seen)
    )
    finite = np.isfinite(baseline) & np.isfinite(other)
    squares = [float(np.square(of[finite]).sum()) for of in (other, baseline)]
    if min(squares) <= 0:
        return Omitted("nothing drifted")
    return 0.5 * math.log(squares[0] / squares[1])


CLAIM = Definition(
    id="steadier-activations",
    statement="activation distributions of {arm} drift less than those of {baseline}",
    measure=(
        "ratio of the shift of a unit's mean from where it ends, in standard "
        "deviations, at the nonlinearity's input; median over living units, RMS over "
        "moments and layers"
    ),
    scale="ratio",
    unit="standard deviations",
    better="lower",
    margin=1.05,
    effect=log_drift_ratio,
    probe="activations",
    caveat="normalisation fixes most of this by construction",
)
