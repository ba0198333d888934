"""Ghost batch norm: batch norm over chunks of the batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normlab.base.slots import describe
from normlab.errors import BadModel
from normlab.norms.batch import BatchNorm

CHUNK = 16
"""Examples per chunk: a quarter of the default batch. Hoffer et al. take 128."""


def ghost(features: int, dims: int = 0, *, chunk: int = CHUNK) -> nn.Module:
    """Ghost batch norm of a slot.

    Args:
        features: Width of the slot.
        dims: Number of position axes.
        chunk: Examples that are normalised together.

    Raises:
        BadModel: If there is no such slot.

    Example:
        >>> ghost(16, dims=2, chunk=8)
        GhostBatchNorm(16, ..., chunk=8)

    Source: Hoffer, Hubara and Soudry 2017, arXiv 1705.08741.
    """
    describe(features, dims)
    return GhostBatchNorm(features, chunk=chunk)


class GhostBatchNorm(BatchNorm):
    r"""Batch norm in which each chunk of the batch is a batch of its own.

    Of an example in chunk $C$, channel by channel,

    $$y = \gamma\,\frac{x - \mu_C}{\sqrt{\sigma_C^2 + \varepsilon}} + \beta$$

    with mean $\mu_C$ and variance $\sigma_C^2$ over the examples and positions of $C$;
    input and output have the shape `(n, num_features, *positions)`.

    A large batch thus keeps the noise of small ones. It is torch's batch norm
    applied to the chunks one after another, nothing else: the running averages
    move once per chunk, as they would if the chunks were batches, and in eval mode
    there are no chunks. A batch that is one chunk gives batch norm exactly.

    No chunk is short: a batch of n examples is cut into `n // chunk` parts (at
    least one) whose sizes differ by one at most, so each has at least `chunk`
    examples unless the whole batch has fewer.

    Args:
        num_features: Units or channels, the second axis of the input.
        eps: $\varepsilon$, in squared units of the input.
        momentum: Weight of a chunk in the running averages; None: all alike.
        affine: Whether $\gamma$ and $\beta$, of shape `(num_features,)`, are learnt.
        track_running_stats: Whether averages are kept for inference.
        device: Where the parameters are.
        dtype: Of the parameters.
        chunk: Examples that are normalised together, at least 2.

    Raises:
        BadModel: If `chunk` is less than 2; on vectors one example alone would
            become its own mean.
        ValueError: From a call, if the input has fewer than two axes.

    Example:
        >>> norm = GhostBatchNorm(1, chunk=2)
        >>> norm(torch.tensor([[0.0], [2.0], [70.0], [90.0]])).detach().round()
        tensor([[-1.], [ 1.], [-1.], [ 1.]])

    Source: Hoffer, Hubara and Soudry 2017, arXiv 1705.08741.
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
        chunk: int = CHUNK,
    ) -> None:
        if chunk < 2:
            raise BadModel(f"ghost norm: chunk={chunk} must be at least 2 examples.")
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype
        )
        self.chunk = chunk

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalise `(n, features, *positions)` chunk by chunk."""
        self._check_input_dim(input)
        if not self.by_batch:
            return super().forward(input)
        parts = input.tensor_split(max(1, len(input) // self.chunk))
        if len(parts) == 1:
            return super().forward(input)
        return torch.cat([super(GhostBatchNorm, self).forward(p) for p in parts])

    def extra_repr(self) -> str:
        """Torch's own, and the chunk."""
        return f"{super().extra_repr()}, chunk={self.chunk}"
