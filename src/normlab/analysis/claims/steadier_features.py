"""What units respond to changes less, beyond shift and scale."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.seen import both, shared
from normlab.analysis.series.drift import feature_change
from normlab.records.observed.activations import ActivationArrays


def log_change_ratio(twins: Twins) -> float | Omitted:
    """Logarithm of the other arm's change of features, RMS over moments, over ours."""
    changes = _changes(twins)
    if isinstance(changes, Omitted):
        return changes
    other, baseline = (float(np.square(of).sum()) for of in changes)
    if min(other, baseline) <= 0:
        return Omitted("no feature changed")
    return 0.5 * math.log(other / baseline)


def _changes(twins: Twins) -> tuple[NDArray[np.float64], ...] | Omitted:
    """Of the other arm and the baseline, at all layers and moments but the last."""
    seen = both(twins, ActivationArrays)
    if isinstance(seen, Omitted):
        return seen
    pairs = [
        (ours.correlation, theirs.correlation)
        for ours, theirs in shared(seen.baseline.hidden, seen.other.hidden)
        if ours.correlation is not None and theirs.correlation is not None
    ]
    if not pairs:
        return Omitted("no hidden layer that both arms have was seen to the end")
    baseline, other = (
        np.array([feature_change(pair[i])[:-1] for pair in pairs]) for i in (0, 1)
    )
    finite = np.isfinite(baseline) & np.isfinite(other)
    return tuple(np.maximum(of[finite], 0) for of in (other, baseline))


CLAIM = Definition(
    id="steadier-features",
    statement="features change less while training {arm} than {baseline}",
    measure=(
        "ratio of 1 - abs(correlation) between a unit's activations on the way and at "
        "the end, over the same images; median over units, RMS over moments and layers"
    ),
    quantity="change of features",
    figure="drift",
    scale="ratio",
    unit="1 - abs(correlation)",
    better="lower",
    margin=1.05,
    effect=log_change_ratio,
    probe="activations",
    formula=(
        r"\log \frac{c_{other}}{c_{base}},\quad c = \operatorname{RMS}_t "
        r"\operatorname{median}_{units} (1 - |\operatorname{corr}(a_t, a_T)|)"
    ),
    papers="Ioffe and Szegedy 2015, beyond shift and scale",
    turns=(
        "longer training: features that have settled in one arm may still change "
        "in the other"
    ),
)
