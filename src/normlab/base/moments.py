"""Means and variances per feature, gathered chunk by chunk."""

from __future__ import annotations

import torch
from torch import Tensor


class Moments:
    r"""Count, mean and sum of squared deviations per feature, merged exactly.

    Two groups merge by $\bar x = \bar x_1 + \delta n_2/n$ and $M = M_1 + M_2 +
    \delta^2 n_1 n_2/n$ with $\delta = \bar x_2 - \bar x_1$, in float64.

    Source: Chan, Golub & LeVeque 1983, The American Statistician 37(3).
    """

    def __init__(self) -> None:
        self.count = 0
        self.dtype: torch.dtype | None = None  # of what was gathered
        self.mean: Tensor | None = None
        self.squares: Tensor | None = None

    def add(self, x: Tensor) -> None:
        """Take in a chunk, features on the second axis."""
        self.dtype = x.dtype
        if torch.finfo(x.dtype).bits < 32:
            x = x.float()
        others = [axis for axis in range(x.ndim) if axis != 1]
        count = x.numel() // x.shape[1]
        mean = x.mean(others, keepdim=True)
        squares = (x - mean).square_().sum(others).double()
        mean = mean.flatten().double()
        if self.mean is None or self.squares is None:
            self.count, self.mean, self.squares = count, mean, squares
            return
        total = self.count + count
        shift = mean - self.mean
        self.squares += squares + shift.square() * (self.count * count / total)
        self.mean += shift * (count / total)
        self.count = total

    def biased(self) -> tuple[Tensor, Tensor]:
        """Mean and variance that normalise the gathered values themselves."""
        assert self.mean is not None and self.squares is not None
        return self.mean, self.squares / self.count

    def unbiased(self) -> tuple[Tensor, Tensor]:
        """Mean and variance estimated for the population."""
        assert self.mean is not None and self.squares is not None
        return self.mean, self.squares / max(self.count - 1, 1)
