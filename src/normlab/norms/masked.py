"""Masked batch norm: batch norm of what is no padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normlab.base.slots import describe
from normlab.norms.batch import BatchNorm


def masked(features: int, dims: int = 0) -> nn.Module:
    """Masked batch norm of a slot.

    Raises:
        BadModel: If there is no such slot.

    Example:
        >>> masked(16, dims=1)
        MaskedBatchNorm(16, ...)
    """
    describe(features, dims)
    return MaskedBatchNorm(features)


class MaskedBatchNorm(BatchNorm):
    r"""Batch norm of the valid positions alone, for sequences of several lengths.

    With the set $V$ of valid positions of all examples, feature by feature,

    $$y = \gamma\,\frac{x - \mu_V}{\sqrt{\sigma_V^2 + \varepsilon}} + \beta
      \quad\text{in } V, \qquad y = 0 \quad\text{elsewhere.}$$

    It is torch's batch norm of the table of all valid positions, so padding neither
    enters the statistics nor the running averages, and it stays padding: zero, with a
    gradient of zero. Without a mask it is batch norm.

    Args:
        num_features: Units or channels, the second axis of the input.
        eps: $\varepsilon$, in squared units of the input.
        momentum: Weight of a batch in the running averages; None: all alike.
        affine: Whether $\gamma$ and $\beta$, of shape `(num_features,)`, are learnt.
        track_running_stats: Whether averages are kept for inference.
        device: Where the parameters are.
        dtype: Of the parameters.
        bias: Whether $\beta$ is one of them.

    Raises:
        ValueError: From a call, if the input has fewer than two axes, the mask does not
            fit it, or only one position is valid in training.

    Example:
        >>> norm = MaskedBatchNorm(1)
        >>> x = torch.tensor([[[1.0, 3.0, 0.0]], [[1.0, 3.0, 3.0]]])
        >>> valid = torch.tensor([[True, True, False], [True, True, False]])
        >>> norm(x, valid).detach().round()
        tensor([[[-1.,  1.,  0.]],
        <BLANKLINE>
                [[-1.,  1.,  0.]]])
    """

    def forward(
        self,
        input: Tensor,  # noqa: A002 - torch's name
        mask: Tensor | None = None,
    ) -> Tensor:
        """Normalise `(n, features, *positions)`.

        Args:
            input: The values.
            mask: Bool of shape `(n, *positions)`, True where an input is valid; `(n,)`
                for whole examples.
        """
        self._check_input_dim(input)
        if mask is None:
            return super().forward(input)
        positions = (len(input), *input.shape[2:])
        if mask.dtype != torch.bool or mask.shape != positions[: mask.dim()]:
            raise ValueError(
                f"expected a mask of bool and shape {positions}, True where an input "
                f"is valid, got {mask.dtype} of {tuple(mask.shape)}"
            )
        rows = input.movedim(1, -1)
        normal = super().forward(rows[mask].reshape(-1, self.num_features))
        whole = torch.zeros_like(rows)
        whole[mask] = normal.view_as(rows[mask])
        return whole.movedim(-1, 1)
