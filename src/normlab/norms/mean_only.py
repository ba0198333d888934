"""Mean-only batch norm: the batch's mean is taken off, its scale is left."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normlab.base.slots import describe
from normlab.norms.batch import BatchNorm, by_feature


def mean_only(features: int, dims: int = 0) -> nn.Module:
    """Mean-only batch norm of a slot.

    Raises:
        BadModel: If there is no such slot.

    Source: Salimans and Kingma 2016, arXiv 1602.07868, section 4.
    """
    describe(features, dims)
    return MeanOnlyBatchNorm(features)


class MeanOnlyBatchNorm(BatchNorm):
    r"""Half of batch norm: $y = \gamma\,(x - \mu_B) + \beta$.

    At inference the running average takes the place of $\mu_B$. Arguments and state
    are batch norm's; the running variance is kept too, though nothing is divided by it.

    Example:
        >>> MeanOnlyBatchNorm(1)(torch.tensor([[1.0], [5.0]])).detach()
        tensor([[-2.],
                [ 2.]])

    Source: Salimans and Kingma 2016, arXiv 1602.07868, section 4.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Centre `(n, features, *positions)`, then scale and shift."""
        if self.by_batch:
            with torch.no_grad():  # moves the averages and refuses a single value
                super().forward(input)
            mean = input.mean([axis for axis in range(input.dim()) if axis != 1])
        else:
            self._check_input_dim(input)
            mean = self.running_mean
        assert mean is not None
        y = input - by_feature(mean, input)
        if self.weight is not None:
            y = y * by_feature(self.weight, input)
        if self.bias is not None:
            y = y + by_feature(self.bias, input)
        return y.to(input.dtype)
