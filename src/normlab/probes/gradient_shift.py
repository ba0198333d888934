"""How a layer's gradient changes when the layers before it have stepped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from normlab.probes.along import Slope
from normlab.probes.vectors import cosine, difference, dots, norm, ratio

MAX_LAYERS = 8
"""Layers that are looked at, each with a pass of its own."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    r"""Covariate shift in the gradient of one layer.

    $G_i = \nabla_{W_i} L$ at step t, $G'_i$ the same with everything before layer i
    taken from step t + 1, on the same batch.

    Source: Santurkar et al. 2018, arXiv 1805.11604, Definition 2.1.
    """

    relative: float
    """Norm of the difference over the norm of G."""
    cosine: float
    """Of the angle between G and G'."""


def layers_behind_others(weights: Sequence[str]) -> tuple[str, ...]:
    """The second layer and later ones; of more than 8, 8 evenly spread.

    Example:
        >>> layers_behind_others(("fc1.weight", "fc2.weight", "fc3.weight"))
        ('fc2.weight', 'fc3.weight')
    """
    later = tuple(weights)[1:]
    picked = np.linspace(0, len(later) - 1, min(MAX_LAYERS, len(later)))
    return tuple(later[round(i)] for i in picked.tolist())


def gradient_shift(
    slope: Slope,
    *,
    parameters: Mapping[str, nn.Parameter],
    after: Mapping[str, Tensor],
    order: Mapping[str, int],
    gradients: Mapping[str, Tensor],
) -> dict[str, Shift]:
    """Let one layer after another step, and compare the gradients behind them.

    Args:
        slope: Loss of the batch, with the parameters as they were at step t.
        parameters: All of the model's; they are moved and not put back.
        after: What they are at step t + 1, norms and biases too.
        order: When each is used; what is used before a layer moves with its prefix.
        gradients: G of each layer to look at, in order of execution.
    """
    shifts: dict[str, Shift] = {}
    moved: set[str] = set()
    for name, old in gradients.items():
        prefix = {n for n, place in order.items() if place < order[name]}
        for stepped in prefix - moved:
            parameters[stepped].data.copy_(after[stepped])
        moved |= prefix
        _, (new,) = Slope(loss=slope.loss, weights=[parameters[name]])()
        shifts[name] = _compare(old, new)
    return shifts


def _compare(old: Tensor, new: Tensor) -> Shift:
    length = norm([old])
    (dot,) = dots([old], [new])
    return Shift(
        relative=ratio(norm(difference([old], [new])), length),
        cosine=cosine(dot, length, norm([new])),
    )
