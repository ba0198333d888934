"""Internal covariate shift is reduced, as the gradient of a layer feels it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.seen import Both, both, mean_log_ratio, shared
from normlab.records.observed.gradient import GradientArrays, ShiftArrays


def log_shift_ratio(twins: Twins) -> float | Omitted:
    """Mean over layers and moments of log(shift of the other arm / of the baseline)."""
    seen = both(twins, GradientArrays)
    if isinstance(seen, Omitted):
        return seen
    tables = _tables(seen, lambda layer: layer.shift)
    return tables if isinstance(tables, Omitted) else mean_log_ratio(*tables)


def log_angle_ratio(twins: Twins, log_shift: float) -> float | None:
    """The same with the angle between both gradients."""
    del log_shift
    seen = both(twins, GradientArrays)
    if isinstance(seen, Omitted):
        return None
    tables = _tables(seen, lambda layer: layer.shift_cosine)
    if isinstance(tables, Omitted):
        return None
    ratio = mean_log_ratio(*(np.arccos(np.clip(t, -1, 1)) for t in tables))
    return None if isinstance(ratio, Omitted) else ratio


def _tables(
    seen: Both[GradientArrays], fetch: Callable[[ShiftArrays], NDArray[np.floating]]
) -> tuple[NDArray[np.floating], NDArray[np.floating]] | Omitted:
    """Other arm's and baseline's values, each of shape `(layers, moments)`."""
    layers = shared(seen.baseline.layers, seen.other.layers)
    if not layers:
        return Omitted("no layer behind another one was seen in both arms")
    baseline, other = (np.array([fetch(pair[i]) for pair in layers]) for i in (0, 1))
    return other, baseline


CLAIM = Definition(
    id="less-covariate-shift",
    statement="internal covariate shift is smaller in {arm} than in {baseline}",
    measure=(
        "ratio of norm(G - G')/norm(G), how much the gradient of a layer changes when "
        "the layers before it take their step; geometric mean over layers and moments"
    ),
    if_supported="showed less covariate shift",
    if_contradicted="showed more covariate shift",
    quantity="covariate shift",
    scale="ratio",
    unit="norm(G - G')/norm(G)",
    better="lower",
    margin=1.05,
    effect=log_shift_ratio,
    probe="gradient",
    beside=log_angle_ratio,
    beside_name="angle between both gradients",
    caveat=(
        "contested: Santurkar et al. 2018 found no less of it with batch norm, and "
        "networks with more of it that train as well"
    ),
)
