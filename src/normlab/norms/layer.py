"""Layer norm: each example over all its values."""

from __future__ import annotations

from torch import nn

from normlab.base.slots import describe
from normlab.errors import BadModel


def layer(features: int, dims: int = 0) -> nn.Module:
    """Layer norm over the features of a vector, or over a whole image.

    On images it is taken over channels, height and width together, with a gain
    and a shift per channel: that is group norm with one group, the usual layer
    norm of convolutional networks. `torch.nn.LayerNorm` would need the image's
    size and learn one gain per pixel, which no other norm here does.

    Raises:
        BadModel: If an example is a single value, which is its own mean.

    Example:
        >>> layer(256)
        LayerNorm((256,), ...)
        >>> layer(16, dims=2)
        GroupNorm(1, 16, ...)

    Source: Ba, Kiros and Hinton 2016, arXiv 1607.06450.
    """
    slot = describe(features, dims)
    if dims > 0:
        return nn.GroupNorm(1, features)
    if features == 1:
        raise BadModel(
            f"layer norm on {slot}: a single value is its own mean, so the output "
            f"would be constant. Use 'batch' or 'none', or a wider layer."
        )
    return nn.LayerNorm(features)
