"""A batch norm whose statistics are known, or are those of each batch in a chunk."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from normlab.norms.recognize import is_batch_norm


def scale_and_shift(
    norm: nn.Module, mean: Tensor, variance: Tensor
) -> tuple[Tensor, Tensor]:
    r"""The norm with these statistics as $x\,s + t$, in their type.

    Args:
        norm: Any batch norm.
        mean: Per feature on the last axis.
        variance: Likewise; what rounding left below 0 counts as 0.
    """
    assert is_batch_norm(norm)
    scale = (variance.clamp_min(0) + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight
    shift = -mean * scale
    if norm.bias is not None:
        shift = shift + norm.bias
    return scale, shift


def rescale(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """`x scale + shift`, features on the second axis."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return torch.addcmul(shift.view(shape), x, scale.view(shape))


def by_batch(x: Tensor, norm: nn.Module, size: int) -> Tensor:
    """Every batch of `size` examples under its own statistics.

    Two passes, for the mean of the squares less the square of the mean cancels.
    """
    assert is_batch_norm(norm)
    if x.ndim > 2:
        affine = {"weight": norm.weight, "bias": norm.bias, "eps": norm.eps}
        whole = [
            functional.batch_norm(batch, None, None, training=True, **affine)
            for batch in x.split(size)
        ]
        return torch.cat(whole)
    groups = x.view(-1, size, x.shape[1])
    centred = groups - groups.mean(1, keepdim=True)
    variance = centred.square().mean(1, keepdim=True)
    scale = (variance + norm.eps).rsqrt_()
    if norm.weight is not None:
        scale *= norm.weight
    if norm.bias is None:
        return centred.mul_(scale).view_as(x)
    return torch.addcmul(norm.bias, centred, scale, out=centred).view_as(x)
