"""RMS norm: each example divided by the root mean square of its values."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from normlab.base.slots import describe
from normlab.errors import BadModel


def rms(features: int, dims: int = 0) -> nn.Module:
    r"""RMS norm over the features of a vector, or over a whole image.

    $y = g\,x / \sqrt{\mathrm{mean}(x^2)+\varepsilon}$, without a mean and without
    a shift. On vectors it is torch's own layer. On images it takes the axes that
    `layer` takes (channels, height, width), with one gain per channel, so that the
    two differ in the mean and the shift alone.

    Raises:
        BadModel: If an example is a single value, of which only the sign is left.

    Example:
        >>> rms(256)
        RMSNorm((256,), ...)

    Source: Zhang and Sennrich 2019, arXiv 1910.07467.
    """
    slot = describe(features, dims)
    if dims > 0:
        return ChannelRMSNorm(features)
    if features == 1:
        raise BadModel(
            f"rms norm on {slot}: of a single value only the sign would be left. "
            f"Use 'batch' or 'none', or a wider layer."
        )
    return nn.RMSNorm(features)


class ChannelRMSNorm(nn.Module):
    """RMS norm of inputs `(n, channels, *positions)`, with a gain per channel.

    Example:
        >>> x = torch.full((1, 2, 4, 4), 3.0)
        >>> bool(ChannelRMSNorm(2)(x).allclose(torch.ones(())))
        True
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each example; the shape stays."""
        gain = self.weight.view(-1, *(1,) * (x.dim() - 2))
        return functional.rms_norm(x, x.shape[1:]) * gain

    def extra_repr(self) -> str:
        """The number of channels, for `print(model)`."""
        return str(self.channels)
