"""Internal covariate shift is reduced, as the gradient of a layer feels it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import (
    Definition,
    Measured,
    Omitted,
    Second,
    Twins,
)
from normlab.analysis.claims.seen import both, by_phase, mean_log_ratio, shared
from normlab.records.observed.gradient import GradientArrays, ShiftArrays


def log_shift_ratios(twins: Twins) -> Measured:
    """Mean over layers and the moments of a phase of log(other arm / baseline)."""
    return _by_phase(twins, lambda layer: layer.shift)


def log_angle_ratios(twins: Twins, log_shift: float) -> Measured:
    """The same with the angle between both gradients."""
    del log_shift
    return _by_phase(twins, lambda layer: np.arccos(np.clip(layer.shift_cosine, -1, 1)))


def _by_phase(
    twins: Twins, fetch: Callable[[ShiftArrays], NDArray[np.floating]]
) -> Measured:
    seen = both(twins, GradientArrays)
    if isinstance(seen, Omitted):
        return seen
    phases, layers = by_phase(twins, seen), shared(*(of.layers for of in seen))
    if isinstance(phases, Omitted):
        return phases
    if not layers:
        return Omitted("no layer behind another one was seen in both arms")
    baseline, other = (np.array([fetch(pair[i]) for pair in layers]) for i in (0, 1))
    return {
        phase: mean_log_ratio(other[:, there], baseline[:, there])
        for phase, there in phases.items()
    }


CLAIM = Definition(
    id="less-covariate-shift",
    statement="internal covariate shift is smaller {arm} than {baseline}",
    measure=(
        "ratio of norm(G - G')/norm(G), how much the gradient of a layer changes when "
        "the layers before it take their step; geometric mean over layers and the "
        "moments of a phase"
    ),
    quantity="covariate shift",
    figure="covariate-shift",
    scale="ratio",
    unit="norm(G - G')/norm(G)",
    better="lower",
    margin=1.05,
    effect=log_shift_ratios,
    probe="gradient",
    words=("more", "less"),
    beside=(Second("angle between both gradients", log_angle_ratios),),
    caveat=(
        "contested: Santurkar et al. 2018 found no less of it with batch norm, and "
        "networks with more of it that train as well"
    ),
    caveat_about=("batch",),
    formula=(
        r"\operatorname{mean}_{layers, t} \log \frac{(\lVert G - G' \rVert / "
        r"\lVert G \rVert)_{other}}{(\lVert G - G' \rVert / \lVert G "
        r"\rVert)_{base}}"
    ),
    papers=(
        "Santurkar et al. 2018, definition 2.1, who contest it; Ioffe and Szegedy "
        "2015, section 1"
    ),
    turns=(
        "the phase of training; another definition of the shift, such as that of "
        "activations (`steadier-activations`)"
    ),
)
