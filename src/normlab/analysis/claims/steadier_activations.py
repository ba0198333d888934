"""Activation distributions drift less while the network trains."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.seen import both, shared
from normlab.analysis.series.drift import living_shift
from normlab.records.observed.activations import ActivationArrays, HiddenArrays


def _on_the_way(layer: HiddenArrays) -> NDArray[np.float64]:
    """A layer's shift before the end, where it is 0 by definition."""
    return living_shift(layer.in_mean, layer.in_std, layer.dead)[:-1]


def log_drift_ratio(twins: Twins) -> float | Omitted:
    """Logarithm of the other arm's drift, RMS over moments and layers, over ours."""
    seen = both(twins, ActivationArrays)
    if isinstance(seen, Omitted):
        return seen
    layers = shared(seen.baseline.hidden, seen.other.hidden)
    if not layers:
        return Omitted("no hidden layer that both arms have was seen")
    baseline, other = (
        np.array([_on_the_way(pair[i]) for pair in layers]) for i in (0, 1)
    )
    finite = np.isfinite(baseline) & np.isfinite(other)
    squares = [float(np.square(of[finite]).sum()) for of in (other, baseline)]
    if min(squares) <= 0:
        return Omitted("nothing drifted")
    return 0.5 * math.log(squares[0] / squares[1])


CLAIM = Definition(
    id="steadier-activations",
    statement="activations drift less while training {arm} than {baseline}",
    measure=(
        "ratio of the shift of a unit's mean from where it ends, in standard "
        "deviations, at the nonlinearity's input; median over living units, RMS over "
        "moments and layers"
    ),
    quantity="drift of activations",
    figure="drift",
    scale="ratio",
    unit="standard deviations",
    better="lower",
    margin=1.05,
    effect=log_drift_ratio,
    probe="activations",
    caveat="normalisation fixes most of this by construction",
    formula=(
        r"\log \frac{d_{other}}{d_{base}},\quad d = \operatorname{RMS}_t "
        r"\operatorname{median}_{units} \frac{|m_t - m_T|}{\sqrt{(s_t^2 + "
        r"s_T^2)/2}}"
    ),
    papers="Ioffe and Szegedy 2015, arXiv 1502.03167, sections 1 and 4.1",
    turns=("looking in front of the norm, where nothing fixes the distribution"),
)
