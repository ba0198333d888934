"""Batch norm whose gain and shift are given, not learnt."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normlab.base.slots import describe
from normlab.norms.batch import BatchNorm


def fixed_affine(
    features: int, dims: int = 0, *, gain: float = 1.0, shift: float = 0.0
) -> nn.Module:
    """Fixed-affine batch norm of a slot.

    Raises:
        BadModel: If there is no such slot.

    Example:
        >>> list(fixed_affine(16, dims=2, gain=0.5).parameters())
        []
    """
    describe(features, dims)
    return FixedAffineBatchNorm(features, gain=gain, shift=shift)


class FixedAffineBatchNorm(BatchNorm):
    r"""Batch norm with the same constants for every feature.

    $$y = g\,\frac{x-\mu_B}{\sqrt{\sigma_B^2+\varepsilon}} + s$$

    So a layer loses the means and scales of its units, and cannot win them back.

    Args:
        num_features: Units or channels, the second axis of `(n, features, *positions)`.
        eps: $\varepsilon$, in squared units of the input.
        momentum: Weight of a batch in the running averages; None: all alike.
        affine: Without it the constants are 1 and 0, whatever is given.
        track_running_stats: Whether averages are kept for inference.
        device: Where the averages are.
        dtype: Of the averages.
        gain: $g$.
        shift: $s$.

    Example:
        >>> norm = FixedAffineBatchNorm(1, gain=10.0, shift=5.0)
        >>> norm(torch.tensor([[1.0], [3.0]])).round()
        tensor([[-5.],
                [15.]])
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
        gain: float = 1.0,
        shift: float = 0.0,
    ) -> None:
        super().__init__(
            num_features,
            eps,
            momentum,
            affine=False,
            track_running_stats=track_running_stats,
            device=device,
            dtype=dtype,
        )
        self.gain, self.shift = (gain, shift) if affine else (1.0, 0.0)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalise `(n, features, *positions)`, then scale and shift it all alike."""
        return self.gain * super().forward(input) + self.shift

    def extra_repr(self) -> str:
        """Torch's own, and the constants."""
        return f"{super().extra_repr()}, gain={self.gain}, shift={self.shift}"
