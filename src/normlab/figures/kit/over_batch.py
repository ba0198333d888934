"""Norms that normalise over the batch: those that "(x − μ)/√(σ² + ε)" describes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from normlab.errors import NotMeasured
from normlab.records.observed.activations import ActivationArrays, NormArrays
from normlab.records.observed.contract import Place

MAX_EPSILON = 1e-2
OFF = 0.01  # standard deviations; the figures print two decimals


def over_batch(runs: Mapping[str, ActivationArrays]) -> tuple[str, Place]:
    """The first arm with a norm over the batch, and its first such norm.

    Args:
        runs: What the activations probe saw, by arm.

    Raises:
        NotMeasured: If no norm's input and output were kept, or none of them takes
            its statistics over the batch (layer, group, RMS, ghost batch norm).
    """
    found = [
        (arm, place, norm)
        for arm, of in runs.items()
        for place, norm in of.norms.items()
        if norm.xhat_values is not None
    ]
    if not found:
        raise NotMeasured("no arm has a norm whose input and output were kept")
    for arm, place, norm in found:
        if takes_batch_statistics(norm):
            return arm, place
    raise NotMeasured("no arm normalises over the batch")


def takes_batch_statistics(norm: NormArrays) -> bool:
    """Whether x̂ is (x − μ)/√(σ² + ε) of its unit over the batch, at every moment.

    ε is not recorded: it is what is left of x̂'s scale when σ² is taken away, and must
    be small and not negative. Moments of a network that blew up tell nothing.

    False where its units could not be told.
    """
    kept = norm.x_values, norm.xhat_values, norm.x_mean, norm.x_std
    if norm.unit is None or any(one is None for one in kept):
        return False
    x, xhat, *moments = (one.astype(np.float64) for one in kept if one is not None)
    mean, std = (one[:, norm.unit, None] for one in moments)
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
