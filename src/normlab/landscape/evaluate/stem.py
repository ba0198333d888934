"""Three products of the data that serve every point of a plane."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from normlab.landscape.evaluate.affine import scale_and_shift
from normlab.landscape.evaluate.moving import Moved
from normlab.landscape.intake.sample import Sample

CHUNK = 768  # examples; of 192, 256, 512 and 768 the fastest at 512 features
_PAIRS = tuple(combinations_with_replacement(range(3), 2))

Affine = tuple[Tensor, Tensor]
Over = Literal["batch", "sample", "population"]


class Stem:
    r"""The first layer's output $P_0 + a P_1 + b P_2$ over the whole sample.

    Where a norm follows, the products are centred by their means over the sample,
    and the norm's statistics are polynomials: per batch a mean $\sum_i z_i\mu_i$ and
    a variance $\sum_{ij} z_i z_j c_{ij}$ with $z = (1, a, b)$. So the norm and its
    scale and shift become one affine pass. Coefficients and statistics are float64:
    a variance on a plane may be a small difference of large terms.

    Args:
        x: What the layer sees, shape (examples, inputs).
        weight: The layer's weight.
        bias: Its bias; None if it has none.
        sample: The examples.
        pooled: Examples that statistics over the sample are taken from; None if no
            norm follows.
        chunk: Examples at a time, about; whole batches.
    """

    def __init__(
        self,
        x: Tensor,
        weight: Moved,
        bias: Moved | None,
        sample: Sample,
        *,
        pooled: int | None,
        chunk: int = CHUNK,
    ) -> None:
        self.products = _products(x, weight, bias)
        self.features = weight.base.shape[0]
        self.batch_size = sample.batch_size
        self.chunk = max(1, chunk // sample.batch_size) * sample.batch_size
        self.pooled = pooled
        if pooled is not None:
            self._centre(pooled)
            self._measure(sample, pooled)

    def output(self, a: float, cut: slice, row: Tensor, out: Tensor) -> None:
        """Write the output of a chunk, given what `row_of` wrote."""
        moving = self.products[1]
        if moving is None:
            out.copy_(row)
        else:
            torch.add(row, moving[cut], alpha=a, out=out)

    def row_of(self, b: float, cut: slice, out: Tensor) -> None:
        """Write the part of a chunk's output that a row of points has in common."""
        fixed, _, moving = self.products
        if moving is None:
            out.copy_(fixed[cut])
        else:
            torch.add(fixed[cut], moving[cut], alpha=b, out=out)

    def affine(self, a: float, b: float, norm: nn.Module, over: Over) -> Affine:
        """Scale and shift of the norm, shape (batches or 1, 1, features)."""
        assert isinstance(norm, nn.BatchNorm1d) and self.pooled is not None
        z = self.pooled_squares.new_tensor([1.0, a, b])
        pairs = torch.stack([(1 + (i != j)) * z[i] * z[j] for i, j in _PAIRS])
        if over == "batch":
            mean = torch.tensordot(z, self.means, 1)
            square = torch.tensordot(pairs, self.squares, 1)
            variance = square - mean.square()
        else:
            mean = torch.zeros_like(self.pooled_squares[0])
            variance = torch.tensordot(pairs, self.pooled_squares, 1)
            if over == "population":
                variance *= self.pooled / max(self.pooled - 1, 1)
        shape = (-1, 1, self.features)
        scale, shift = scale_and_shift(norm, mean, variance)
        dtype = self.products[0].dtype
        return scale.view(shape).to(dtype), shift.view(shape).to(dtype)

    def _centre(self, pooled: int) -> None:
        for product in self.products:
            if product is not None:
                product -= product[:pooled].mean(0)

    def _measure(self, sample: Sample, pooled: int) -> None:
        """Coefficients per batch and over the pooled examples, chunk by chunk."""
        size, whole = self.batch_size, sample.batches * self.batch_size
        moments = [
            self._moments(cut, size) for cut in sample.cuts(self.chunk, upto=whole)
        ]
        self.means, self.squares = torch.cat(moments, dim=1).split([3, 6])
        self.pooled_squares = self.squares.sum(1) * size
        if pooled > whole:
            _, rest = self._moments(slice(whole, pooled), pooled - whole).split([3, 6])
            self.pooled_squares += rest[:, 0] * (pooled - whole)
        self.pooled_squares /= pooled

    def _moments(self, cut: slice, size: int) -> Tensor:
        """Means of the three products and of their pairs, (9, batches, features)."""
        groups = [
            None if product is None else product[cut].view(-1, size, self.features)
            for product in self.products
        ]
        found = torch.zeros(
            (9, (cut.stop - cut.start) // size, self.features),
            dtype=torch.float64,
            device=self.products[0].device,
        )
        for i, group in enumerate(groups):
            if group is not None:
                found[i] = group.mean(1)
        for place, (i, j) in enumerate(_PAIRS, 3):
            one, other = groups[i], groups[j]
            if one is not None and other is not None:
                found[place] = (one * other).mean(1)
        return found


def _products(
    x: Tensor, weight: Moved, bias: Moved | None
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The layer applied with its own weights and with those of each direction."""
    fixed = functional.linear(x, weight.base, None if bias is None else bias.base)
    first, second = (
        _moving(x, getattr(weight, axis), None if bias is None else getattr(bias, axis))
        for axis in ("first", "second")
    )
    return fixed, first, second


def _moving(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor | None:
    if weight is not None:
        return functional.linear(x, weight, bias)
    return None if bias is None else bias.repeat(len(x), 1)
