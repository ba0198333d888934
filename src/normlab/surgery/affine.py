"""Norms judged by what they do: is one a scale and a shift per feature at inference?"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from normlab.base.streams import stream

_FAR = 2.0**20
_EXAMPLES, _POSITIONS = 2, 4  # of a probe, at most
_PROBE = ("probe of a norm",)


class ScaleShift(NamedTuple):
    """What a norm does at inference: `scale * x + shift`, per feature, in float64."""

    scale: Tensor
    shift: Tensor


def scale_and_shift(
    norm: nn.Module, shape: tuple[int, ...], axis: int
) -> ScaleShift | None:
    r"""The affine map that a module is at inference; None if it is none.

    Where $f(x) = s\,x + t$, $t = f(0)$ and $s = (f(c) - f(-c)) / 2c$, of a large $c$
    so that a large $t$ does not round $s$ off. That it is affine, per feature, and the
    same for every example and position is tried on random numbers.

    Args:
        norm: Left as it is: a copy is called, in eval mode and in float64.
        shape: Of its input, with the batch.
        axis: Of the features.

    Example:
        >>> norm = nn.BatchNorm1d(2, eps=0.0)
        >>> _ = norm.running_var.fill_(4.0)
        >>> scale_and_shift(norm, (8, 2), axis=1).scale
        tensor([0.5000, 0.5000], dtype=torch.float64)
        >>> scale_and_shift(nn.LayerNorm(2), (8, 2), axis=1) is None
        True
    """
    copy = deepcopy(norm).eval().double()
    axis %= len(shape)
    sizes = [_EXAMPLES, *(min(size, _POSITIONS) for size in shape[1:])]
    sizes[axis] = shape[axis]
    held = next((t for t in (*copy.parameters(), *copy.buffers())), torch.zeros(()))

    def answer(x: Tensor) -> Tensor:
        return copy(x.to(held.device, copy=True)).detach()

    drawn = torch.randn(sizes, generator=stream(*_PROBE), dtype=torch.float64)
    far = torch.full_like(drawn, _FAR)
    try:
        # random numbers apart from the others: by its own batch, any norm is affine
        zero, up, down = answer(torch.cat([0 * far, far, -far])).tensor_split(3)
        slope = (up - down) / (2 * _FAR)
        tried = drawn.to(zero) * (1 + zero.abs().max())
        found = answer(tried)
    except Exception:  # whoever wrote it may want other inputs
        return None
    if not (zero.shape == slope.shape == tuple(sizes)):
        return None
    expected = slope * tried + zero
    rounding = 1e-9 if found.dtype == torch.float64 else 1e-4
    if not torch.allclose(found, expected, rtol=rounding, atol=rounding):
        return None
    others = [0 if place != axis else slice(None) for place in range(len(sizes))]
    each = ScaleShift(slope[tuple(others)].double(), zero[tuple(others)].double())
    return each if _same_everywhere(each, slope, zero, axis) else None


def _same_everywhere(each: ScaleShift, slope: Tensor, zero: Tensor, axis: int) -> bool:
    wide = [1] * slope.dim()
    wide[axis] = -1
    pairs = (each.scale, slope), (each.shift, zero)
    return all(
        torch.allclose(one.view(wide).expand_as(whole), whole.double(), rtol=1e-9)
        for one, whole in pairs
    )
