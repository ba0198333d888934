"""How much the loss rises at random places around a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from normlab.data.dataset import Dataset
from normlab.landscape.evaluate.objective import Loss
from normlab.landscape.planes.random import random_plane
from normlab.landscape.surface import surface
from normlab.records.surface import Mark

SIDES = (1, -1)


def loss_rises(
    model: nn.Module,
    data: Dataset,
    *,
    radii: Sequence[float],
    directions: int,
    examples: int,
    batch_size: int,
    loss: Loss | None = None,
    seed: int = 0,
) -> tuple[float, NDArray[np.float64]]:
    r"""$L(w + r d) - L(w)$ for random directions d, filter by filter as long as w.

    Args:
        model: Left as it was to the last bit.
        data: Of which the training part is taken.
        radii: r, in lengths of the weights' filters.
        directions: How many, an even number: two span a plane.
        examples: Of the training part, drawn at random.
        batch_size: Of the batches whose statistics norms use.
        loss: Of outputs and labels; cross-entropy if not given.
        seed: Of the draw; twins get the same directions for the weights they share.

    Returns:
        The loss of the network, and the rises, shape (directions, radii, 2), to both
        sides.

    Raises:
        NormlabError: What `surface` refuses.

    Source: Li et al. 2018, arXiv 1712.09913.
    """
    axes = ((1.0, 0.0), (0.0, 1.0))
    places = [
        Mark(name=f"{side * r:g} {axis}", a=side * r * axis[0], b=side * r * axis[1])
        for axis in axes
        for r in radii
        for side in SIDES
    ]
    centre, rises = np.nan, list[NDArray[np.float64]]()
    planes = directions // len(axes)
    for number in range(planes):
        plane = random_plane(model, seed=seed * planes + number)
        found = surface(
            model,
            data,
            # as few points of its own as can be: the marks are what is asked for
            plane=replace(plane, along=(0.0, 0.0), marks=tuple(places)),
            statistics="batch",
            batch_size=batch_size,
            points=3,
            examples=examples,
            seed=seed,
            loss=loss,
        )
        centre = float(found.loss[0, 1])
        losses = [np.nan if m.plane_loss is None else m.plane_loss for m in found.marks]
        rises.append(np.reshape(losses, (len(axes), len(radii), len(SIDES))) - centre)
    return centre, np.concatenate(rises)
