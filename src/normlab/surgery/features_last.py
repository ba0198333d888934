"""A norm of features along axis 1, for those along the last one."""

from __future__ import annotations

from torch import Tensor, nn


class FeaturesLast(nn.Module):
    """Any norm of inputs `(n, features, *positions)`, for `(n, *positions, features)`.

    Example:
        >>> import torch
        >>> FeaturesLast(nn.BatchNorm1d(3))(torch.ones(2, 7, 3)).shape
        torch.Size([2, 7, 3])
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """As the norm does it."""
        return self.norm(x.movedim(-1, 1)).movedim(1, -1)
