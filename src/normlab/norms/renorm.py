"""Batch renormalisation: in training too, what inference will do."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from normlab.base.slots import describe
from normlab.errors import BadModel
from normlab.norms.batch import BatchNorm


def renorm(
    features: int,
    dims: int = 0,
    *,
    r_max: float = 3.0,
    d_max: float = 5.0,
    start: int = 100,
    r_end: int = 800,
    d_end: int = 500,
) -> nn.Module:
    """Batch renormalisation of a slot.

    Raises:
        BadModel: If there is no such slot, or the limits make no sense.

    Example:
        >>> renorm(16, dims=2).r_max
        3.0

    Source: Ioffe 2017, arXiv 1702.03275.
    """
    describe(features, dims)
    return BatchRenorm(
        features, r_max=r_max, d_max=d_max, start=start, r_end=r_end, d_end=d_end
    )


class BatchRenorm(BatchNorm):
    r"""Batch norm, corrected towards the running averages.

    In training, with mean $\mu_B$ and deviation $\sigma_B = \sqrt{\sigma_B^2 +
    \varepsilon}$ of the batch and the running averages $\mu$ and $\sigma$,

    $$y = \gamma\Bigl(\frac{x - \mu_B}{\sigma_B}\,r + d\Bigr) + \beta \qquad
      r = \mathrm{clip}_{[1/r_{max},\,r_{max}]}\frac{\sigma_B}{\sigma} \qquad
      d = \mathrm{clip}_{[-d_{max},\,d_{max}]}\frac{\mu_B - \mu}{\sigma}$$

    where $r$ and $d$ are constants to the gradient. Where nothing is clipped this is
    $\gamma (x - \mu)/\sigma + \beta$, which is what inference does; with $r_{max} = 1$
    and $d_{max} = 0$ it is batch norm.

    The limits open by steps, counted by `num_batches_tracked`: they are 1 and 0 up to
    `start`, then grow linearly to `r_max` at `r_end` and to `d_max` at `d_end`. The
    paper's `start=5000, r_end=40000, d_end=25000` are for its 160,000 steps; the
    defaults are a fiftieth of them. The averages are batch norm's own, so that either
    loads what the other stored: of the variance, where the paper averages $\sigma$.

    Args:
        num_features: Units or channels, the second axis of `(n, features, *positions)`.
        eps: $\varepsilon$, in squared units of the input.
        momentum: Weight of a batch in the running averages; None: all alike.
        affine: Whether $\gamma$ and $\beta$, of shape `(num_features,)`, are learnt.
        track_running_stats: True; it does not work without averages.
        device: Where the parameters are.
        dtype: Of the parameters.
        r_max: At least 1.
        d_max: At least 0, in standard deviations.
        start: Steps of batch norm in the beginning.
        r_end: Step at which `r_max` is reached, at least `start`.
        d_end: Step at which `d_max` is reached, at least `start`.

    Raises:
        BadModel: If the limits make no sense, or no averages are to be kept.
        ValueError: From a call, if the input has fewer than two axes.

    Example:
        >>> norm = BatchRenorm(1, affine=False, start=0, r_end=0, d_end=0)
        >>> norm(torch.tensor([[1.0], [3.0]]))  # the averages are 0 and 1 as yet
        tensor([[1.0000],
                [3.0000]])

    Source: Ioffe 2017, arXiv 1702.03275, algorithm 1.
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
        r_max: float = 3.0,
        d_max: float = 5.0,
        start: int = 100,
        r_end: int = 800,
        d_end: int = 500,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype
        )
        self.refuse_without_averages("renorm")
        for name, value, least in (
            ("r_max", r_max, 1),
            ("d_max", d_max, 0),
            ("start", start, 0),
            ("r_end", r_end, start),
            ("d_end", d_end, start),
        ):
            if not value >= least:
                raise BadModel(f"renorm norm: {name}={value} must be at least {least}.")
        self.r_max, self.d_max = r_max, d_max
        self.start, self.r_end, self.d_end = start, r_end, d_end

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalise `(n, features, *positions)`."""
        self._check_input_dim(input)
        if not self.training or self.running_mean is None:
            return super().forward(input)
        r, d = self.correction(input)
        with torch.no_grad():  # moves the averages, as torch does it
            super().forward(input)
        gamma = r if self.weight is None else self.weight * r
        beta = d if self.weight is None else self.weight * d
        if self.bias is not None:
            beta = beta + self.bias
        return batch_norm(input, None, None, gamma, beta, training=True, eps=self.eps)

    @torch.no_grad()
    def correction(self, input: Tensor) -> tuple[Tensor, Tensor]:  # noqa: A002
        """What r and d are for a batch, one number of each per feature.

        Args:
            input: The batch, `(n, features, *positions)`.
        """
        assert self.running_mean is not None and self.running_var is not None
        axes = [axis for axis in range(input.dim()) if axis != 1]
        # half precision sums what it squares in single precision, and so must this
        values = input.to(self.running_mean.dtype)
        variance, mean = torch.var_mean(values, axes, correction=0)
        stored = (self.running_var + self.eps).sqrt()
        r_max = 1 + (self.r_max - 1) * self._opened(self.r_end)
        d_max = self.d_max * self._opened(self.d_end)
        r = ((variance + self.eps).sqrt() / stored).clamp(1 / r_max, r_max)
        d = ((mean - self.running_mean) / stored).clamp(-d_max, d_max)
        return r, d

    def _opened(self, end: int) -> Tensor:
        """How far a limit is open by now, from 0 at `start` to 1 at `end`."""
        assert self.num_batches_tracked is not None
        steps = self.num_batches_tracked.to(torch.get_default_dtype())
        if end == self.start:
            return (steps >= self.start).to(steps)
        return ((steps - self.start) / (end - self.start)).clamp(0, 1)

    def extra_repr(self) -> str:
        """Torch's own, and the limits."""
        limits = ("r_max", "d_max", "start", "r_end", "d_end")
        return ", ".join(
            [
                super().extra_repr(),
                *(f"{name}={getattr(self, name)}" for name in limits),
            ]
        )
