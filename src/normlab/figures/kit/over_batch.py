"""Norms that normalise over the batch: those that "(x − μ)/√(σ² + ε)" describes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from normlab.errors import NotMeasured
from normlab.figures.kit.observed import ArrayKey, Arrays, places

MAX_EPSILON = 1e-2
OFF = 0.01  # standard deviations; the figures print two decimals


def over_batch(runs: Mapping[str, Arrays]) -> tuple[str, ArrayKey]:
    """The first arm with a norm over the batch, and its first such norm.

    Args:
        runs: What the activations probe saw, by arm.

    Raises:
        NotMeasured: If no norm's input and output were kept, or none of them takes
            its statistics over the batch (layer, group, RMS, ghost batch norm).
    """
    found = [
        (arm, norm) for arm, of in runs.items() for norm in places(of, "xhat_values")
    ]
    if not found:
        raise NotMeasured("no arm has a norm whose input and output were kept")
    for arm, norm in found:
        if takes_batch_statistics(runs[arm], norm):
            return arm, norm
    raise NotMeasured("no arm normalises over the batch")


def takes_batch_statistics(arrays: Arrays, norm: ArrayKey) -> bool:
    """Whether x̂ is (x − μ)/√(σ² + ε) of its unit over the batch, at every moment.

    ε is not recorded: it is what is left of x̂'s scale when σ² is taken away, and must
    be small and not negative. Moments of a network that blew up tell nothing.

    Args:
        arrays: Of the activations probe.
        norm: A place with `xhat_values`.
    """
    if not {norm.key("x_mean"), norm.key("x_std"), norm.key("unit")} <= set(arrays):
        return False
    unit = int(arrays[norm.key("unit")])
    x, xhat = (
        arrays[norm.key(what)].astype(np.float64)
        for what in ("x_values", "xhat_values")
    )
    mean, std = (
        arrays[norm.key(what)][:, unit, None].astype(np.float64)
        for what in ("x_mean", "x_std")
    )
    finite = np.isfinite(np.hstack([x, xhat, mean, std])).all(axis=1)
    away, xhat, std = (x - mean)[finite], xhat[finite], std[finite]
    sizes = np.square(xhat).sum(axis=1, keepdims=True)
    squared = np.square(away).sum(axis=1, keepdims=True) / np.where(sizes > 0, sizes, 1)
    epsilon = squared - np.square(std)
    slack = OFF * np.square(std)
    fits = np.abs(xhat * np.sqrt(squared) - away) <= OFF * np.sqrt(squared)
    small = (-slack <= epsilon) & (epsilon <= MAX_EPSILON + slack)
    # a constant unit has x̂ = 0, whatever ε is
    still = (away == 0).all(axis=1) & (sizes[:, 0] == 0)
    return bool(finite.any() and ((fits & small).all(axis=1) | still).all())
