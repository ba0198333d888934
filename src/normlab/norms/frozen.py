"""Frozen batch norm: by its stored statistics, in training too."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from normlab.base.slots import describe
from normlab.norms.batch import BatchNorm


def frozen(features: int, dims: int = 0) -> nn.Module:
    """Frozen batch norm of a slot; its averages are 0 and 1 until some are loaded.

    Raises:
        BadModel: If there is no such slot.

    Example:
        >>> frozen(16, dims=2).train().training
        False
    """
    describe(features, dims)
    return FrozenBatchNorm(features)


class FrozenBatchNorm(BatchNorm):
    r"""Batch norm that never looks at the batch: $y = \gamma\,(x-\mu)/\sigma + \beta$.

    $\mu$ and $\sigma^2$ are what is stored, before training or since; they never move,
    for the norm stays in eval mode. $\gamma$ and $\beta$ are learnt. Networks are
    fine-tuned with it on few examples a batch. Arguments and state are batch norm's.

    Raises:
        BadModel: If no averages are to be kept.
        ValueError: From a call, if the input has fewer than two axes.

    Example:
        >>> norm = FrozenBatchNorm(1).train()
        >>> norm(torch.tensor([[1.0], [3.0]])).detach().round()
        tensor([[1.],
                [3.]])
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype
        )
        self.refuse_without_averages("frozen")
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode, whatever is asked for."""
        del mode
        return super().train(mode=False)
