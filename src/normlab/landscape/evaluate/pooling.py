"""Max pooling where no gradient is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce

import torch
from torch import Tensor, nn
from torch.nn.modules.pooling import _MaxPoolNd

_DIMS = {nn.MaxPool1d: 1, nn.MaxPool2d: 2, nn.MaxPool3d: 3}


def forget_places(net: nn.Module) -> None:
    """Let max pooling not note where its maxima are, which only a gradient needs.

    Torch notes it always, window by window, and on a processor that takes most of
    the time of a small convolutional network. Windows that neither overlap nor leave
    gaps are the same maxima of strided slices, many numbers at a time. Other windows
    stay as they are.

    Args:
        net: Changed in place: a private copy.
    """
    for module in net.modules():
        own = "forward" in vars(module)  # a function of the user's, or this one
        if isinstance(module, _MaxPoolNd) and not own and (sizes := _tiles(module)):
            module.forward = partial(_tiled_max, sizes)


def _tiles(pool: _MaxPoolNd) -> tuple[int, ...]:
    """Sizes of windows that tile the input; none if they do not."""
    dims = _DIMS.get(type(pool))
    if dims is None:  # made from torch's, and may do anything
        return ()
    sizes = _each(pool.kernel_size, dims)
    tiled = (
        _each(pool.stride, dims) == sizes
        and _each(pool.padding, dims) == (0,) * dims
        and _each(pool.dilation, dims) == (1,) * dims
    )
    # windows of one number would give the input itself, not a copy of it
    plain = max(sizes) > 1 and not (pool.ceil_mode or pool.return_indices)
    return sizes if tiled and plain else ()


def _each(value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """One number per dimension; a single one, alone or in a sequence, is for all."""
    sizes = tuple(value) if isinstance(value, Sequence) else (value,)
    return sizes * dims if len(sizes) == 1 else sizes


def _tiled_max(windows: tuple[int, ...], x: Tensor) -> Tensor:
    """Maxima over tiles of the last dimensions; what is left over is dropped."""
    for dim, size in enumerate(windows, start=x.ndim - len(windows)):
        whole = x.shape[dim] // size * size
        before = (slice(None),) * dim
        x = reduce(torch.maximum, (x[*before, i:whole:size] for i in range(size)))
    return x
