"""Instance norm: each feature of each example over its positions."""

from __future__ import annotations

from torch import nn

from normlab.base.slots import describe
from normlab.errors import BadModel

_LAYERS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)


def instance(features: int, dims: int = 0) -> nn.Module:
    """Torch's instance norm, with gain and shift like every other norm here.

    Torch leaves gain and shift out by default; they are asked for, so that arms
    differ in what they normalise over and not in what they can learn.

    Raises:
        BadModel: On vectors, where a feature has a single value per example.

    Example:
        >>> instance(16, dims=2).affine
        True

    Source: Ulyanov, Vedaldi and Lempitsky 2016, arXiv 1607.08022.
    """
    slot = describe(features, dims)
    if dims == 0:
        raise BadModel(
            f"instance norm on {slot}: it averages each feature over positions, and "
            f"a vector has one value per feature, so the output would be constant. "
            f"Use 'layer' or 'batch' there."
        )
    return _LAYERS[dims - 1](features, affine=True)
