"""Batch norm: each feature over the batch and all positions."""

from __future__ import annotations

from torch import nn

from normlab.base.slots import describe

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
