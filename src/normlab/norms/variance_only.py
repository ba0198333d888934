"""Variance-only batch norm: what the batch's mean is stays, its scale goes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normlab.base.slots import describe
from normlab.norms.batch import BatchNorm, by_feature


def variance_only(features: int, dims: int = 0) -> nn.Module:
    """Variance-only batch norm of a slot.

    Raises:
        BadModel: If there is no such slot.
    """
    describe(features, dims)
    return VarianceOnlyBatchNorm(features)


class VarianceOnlyBatchNorm(BatchNorm):
    r"""Half of batch norm: $y = \gamma\,x/\sqrt{\sigma_B^2 + \varepsilon} + \beta$.

    $\sigma_B^2$ is the biased variance about the batch's mean; at inference the running
    average takes its place. Arguments and state are batch norm's; the running mean is
    kept too, though it is not taken off.

    Example:
        >>> VarianceOnlyBatchNorm(1)(torch.tensor([[8.0], [12.0]])).detach().round()
        tensor([[4.],
                [6.]])
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Scale `(n, features, *positions)` to variance 1, then by gain, and shift."""
        if self.by_batch:
            with torch.no_grad():  # moves the averages and refuses a single value
                super().forward(input)
            axes = [axis for axis in range(input.dim()) if axis != 1]
            variance = input.var(axes, correction=0)
        else:
            self._check_input_dim(input)
            variance = self.running_var
        assert variance is not None
        scale = (variance + self.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight
        y = input * by_feature(scale, input)
        if self.bias is not None:
            y = y + by_feature(self.bias, input)
        return y.to(input.dtype)
