"""Batch norm: each feature over the batch and all positions."""

from __future__ import annotations

from torch import Tensor, nn

from normlab.base.slots import describe
from normlab.errors import BadModel

_LAYERS = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def batch(features: int, dims: int = 0) -> nn.Module:
    r"""Torch's batch norm with its defaults: eps 1e-5, running averages of 0.1.

    $y = \gamma\,(x-\mu_B)/\sqrt{\sigma_B^2+\varepsilon} + \beta$; see
    `norms.reference` for every equation.

    Raises:
        BadModel: If there is no such slot.

    Example:
        >>> batch(16, dims=2)
        BatchNorm2d(16, ...)

    Source: Ioffe and Szegedy 2015, arXiv 1502.03167.
    """
    describe(features, dims)
    return _LAYERS[dims](features)


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Torch's batch norm without a number of axes: vectors, images or whatever.

    What the norms of normlab that are batch norm with a difference are made from.

    Raises:
        ValueError: From a call, if the input has fewer than two axes.

    Example:
        >>> import torch
        >>> BatchNorm(3)(torch.ones(2, 3, 4)).shape
        torch.Size([2, 3, 4])
    """

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        # also keeps tracers out, who would take the statistics of one mode for all
        if input.dim() < 2:
            raise ValueError(f"expected at least 2 axes, got {input.dim()}")

    @property
    def by_batch(self) -> bool:
        """Whether it normalises by the batch: in training, or with nothing stored."""
        return self.training or self.running_mean is None

    def refuse_without_averages(self, name: str) -> None:
        """Refuse to be made without the averages that this kind normalises by.

        Raises:
            BadModel: If it keeps none.
        """
        if not self.track_running_stats:
            raise BadModel(
                f"{name} norm normalises by running averages. Leave "
                "track_running_stats=True, or use 'batch'."
            )


def by_feature(vector: Tensor, like: Tensor) -> Tensor:
    """A vector of one number per feature, beside `(n, features, *positions)`.

    Example:
        >>> import torch
        >>> by_feature(torch.ones(3), torch.ones(2, 3, 5, 5)).shape
        torch.Size([3, 1, 1])
    """
    return vector.view(-1, *(1,) * (like.dim() - 2))
