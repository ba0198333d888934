"""How many values of an example share a mean: of too few, nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import nn

from normlab.norms.rms import ChannelRMSNorm


def values_together(norm: nn.Module, shape: Sequence[int]) -> int | None:
    """How many values of one example a norm takes one mean of.

    Args:
        norm: Any module.
        shape: Of its input, `(n, features, *positions)`.

    Returns:
        None for batch norms, which average over examples, and for what is no norm.

    Example:
        >>> values_together(nn.GroupNorm(4, 8), (64, 8, 3, 3))
        18
    """
    positions = prod(shape[2:])
    if isinstance(norm, nn.GroupNorm):
        return norm.num_channels // norm.num_groups * positions
    if isinstance(norm, nn.modules.instancenorm._InstanceNorm):
        return positions
    if isinstance(norm, nn.LayerNorm | nn.RMSNorm):
        return prod(norm.normalized_shape)
    if isinstance(norm, ChannelRMSNorm):
        return prod(shape[1:])
    return None


def switched_off(norm: nn.Module, shape: Sequence[int]) -> str | None:
    """Why the output of a norm would not depend on its input; None if it does.

    One value less its own mean is 0, and of two the larger becomes 1 and the other -1;
    a root mean square leaves the sign of a single value.

    Example:
        >>> switched_off(nn.GroupNorm(8, 8), (64, 8, 1, 1))
        'averages over 1 value of an example, so its output would be 0 for any input'
        >>> switched_off(nn.GroupNorm(1, 8), (64, 8, 1, 1)) is None
        True
    """
    together = values_together(norm, shape)
    rms = isinstance(norm, nn.RMSNorm | ChannelRMSNorm)
    if together is None or together > (1 if rms else 2):
        return None
    values = "1 value" if together == 1 else "2 values"
    left = "0 for any input" if together == 1 else "-1 and 1 for any input"
    if rms:
        left = "nothing but its sign"
    return f"averages over {values} of an example, so its output would be {left}"
