"""Two random directions, each filter as long as the weights' own filter."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from normlab.base.streams import stream
from normlab.landscape.norms import is_norm_module
from normlab.landscape.plane import Plane


def random_plane(model: nn.Module, *, seed: int = 0) -> Plane:
    r"""Plane through the model along two filter-normalised Gaussian directions.

    A weight $W$ with filters (rows of the first axis) $W_i$ gets the direction
    $d_i = g_i\,\lVert W_i\rVert/\lVert g_i\rVert$ with $g$ standard normal. Biases
    and the parameters of norms stay where they are. Every tensor's draw has an
    address of its own, so twins get the same draw for the weights they share.

    Args:
        model: Any module.
        seed: Seed of the draw.

    Source: Li et al. 2018, arXiv 1712.09913.
    """
    still = {
        id(parameter)
        for module in model.modules()
        if is_norm_module(module)
        for parameter in module.parameters(recurse=False)
    }
    first, second = (
        {
            name: _direction(parameter, (seed, "surface", axis, name))
            for name, parameter in model.named_parameters()
            if parameter.ndim >= 2
            and id(parameter) not in still
            and parameter.is_floating_point()
        }
        for axis in ("first", "second")
    )
    return Plane(kind="random", first=first, second=second)


def _direction(
    weight: torch.Tensor, address: tuple[int | str, ...]
) -> NDArray[np.floating]:
    drawn = torch.randn(
        weight.shape, generator=stream(*address), dtype=torch.float64
    ).flatten(1)
    filters = weight.detach().cpu().double().flatten(1)
    drawn *= filters.norm(dim=1, keepdim=True) / drawn.norm(dim=1, keepdim=True)
    dtype = torch.float64 if weight.dtype == torch.float64 else torch.float32
    return drawn.view(weight.shape).to(dtype).numpy()
