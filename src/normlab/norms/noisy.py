"""Noisy batch norm: batch norm whose output is shifted and scaled at random."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normlab.base.slots import describe
from normlab.errors import BadModel
from normlab.norms.batch import BatchNorm


def noisy(
    features: int,
    dims: int = 0,
    *,
    shift: float = 0.5,
    scale: float = 1.25,
    jitter: float = 0.1,
) -> nn.Module:
    """Batch norm with `Noise` behind it; the defaults are the paper's.

    Raises:
        BadModel: If there is no such slot, or the noise makes no sense.

    Example:
        >>> noisy(16).noise
        Noise(shift=0.5, scale=1.25, jitter=0.1)

    Source: Santurkar, Tsipras, Ilyas and Madry 2018, arXiv 1805.11604.
    """
    describe(features, dims)
    return NoisyBatchNorm(features, shift=shift, scale=scale, jitter=jitter)


class Noise(nn.Module):
    r"""A random scale and shift that differ from step to step.

    At every call one shift and one scale are drawn for the layer,
    $\mu_t \sim U(-a, a)$ and $\sigma_t \sim U(1, b)$, and around them one of each
    for every number $x$ of the input,

    $$y = s\,x + m \qquad m \sim U(\mu_t - r, \mu_t + r) \qquad
      s \sim N(\sigma_t, r^2)$$

    from torch's default generator. In eval mode nothing is drawn, $y = x$.

    Args:
        shift: $a$, at least 0.
        scale: $b$, at least 1.
        jitter: $r$, at least 0.

    Raises:
        BadModel: If one of them is less than that.
    """

    def __init__(
        self, *, shift: float = 0.5, scale: float = 1.25, jitter: float = 0.1
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("shift", shift, 0),
            ("scale", scale, 1),
            ("jitter", jitter, 0),
        ):
            if not value >= least:
                raise BadModel(f"noisy norm: {name}={value} must be at least {least}.")
        self.shift, self.scale, self.jitter = shift, scale, jitter

    def forward(self, x: Tensor) -> Tensor:
        """Noise in training mode; the shape stays."""
        if not self.training:
            return x
        centre, spread = torch.rand(2, device=x.device, dtype=x.dtype)
        mean = self.shift * (2 * centre - 1)
        deviation = 1 + (self.scale - 1) * spread
        m = mean + self.jitter * (2 * torch.rand_like(x) - 1)
        s = deviation + self.jitter * torch.randn_like(x)
        return torch.addcmul(m, s, x)

    def extra_repr(self) -> str:
        """The three settings."""
        return f"shift={self.shift}, scale={self.scale}, jitter={self.jitter}"


class NoisyBatchNorm(BatchNorm):
    r"""Batch norm, then `Noise`: activations as unstable as one likes.

    In training mode, with $\hat y$ the output of batch norm,

    $$y = s\,\hat y + m \qquad m \sim U(\mu_t - r, \mu_t + r) \qquad
      s \sim N(\sigma_t, r^2)$$

    where $\mu_t \sim U(-a, a)$ and $\sigma_t \sim U(1, b)$ are drawn once per call, $m$
    and $s$ for every number. In eval mode it is batch norm. Input and output have the
    shape `(n, num_features, *positions)`.

    The noise is a module of its own, with its own mode: whoever measures with the
    statistics of the batch can leave it off, like dropout.

    Args:
        num_features: Units or channels, the second axis of the input.
        eps: In squared units of the input.
        momentum: Weight of a batch in the running averages; None: all alike.
        affine: Whether gain and shift, of shape `(num_features,)`, are learnt.
        track_running_stats: Whether averages are kept for inference.
        device: Where the parameters are.
        dtype: Of the parameters.
        shift: $a$, at least 0, in standard deviations before gain and shift.
        scale: $b$, at least 1.
        jitter: $r$, at least 0.

    Raises:
        BadModel: If the noise makes no sense.
        ValueError: From a call, if the input has fewer than two axes.

    Example:
        >>> norm = NoisyBatchNorm(3, shift=0.0, scale=1.0, jitter=0.0)
        >>> x = torch.tensor([[0.0, 1.0, 2.0], [4.0, 3.0, 2.0]])
        >>> norm(x).detach().round()
        tensor([[-1., -1.,  0.], [ 1.,  1.,  0.]])

    Source: Santurkar, Tsipras, Ilyas and Madry 2018, arXiv 1805.11604, section 2.2.
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
        *,
        shift: float = 0.5,
        scale: float = 1.25,
        jitter: float = 0.1,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype
        )
        self.noise = Noise(shift=shift, scale=scale, jitter=jitter)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalise `(n, features, *positions)`, then add the noise."""
        return self.noise(super().forward(input))
