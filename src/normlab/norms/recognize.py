"""Which modules of a network are norms, and what they do; whoever made them.

No other file of normlab tells torch's norms by their classes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import TypeGuard

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.parameter import is_lazy

from normlab.base.slots import in_slot
from normlab.norms.rms import ChannelRMSNorm

TORCHS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)
"""What torch's norms are, or are made from."""
_CHANNELS_SECOND = (_NormBase, nn.GroupNorm)
_PARTS = (*TORCHS, nn.Linear, nn.modules.conv._ConvNd)


def is_norm(module: nn.Module) -> bool:
    """Whether a module normalises: torch's, what is made from it, or in a slot.

    Example:
        >>> is_norm(nn.BatchNorm1d(3)), is_norm(nn.Identity())
        (True, False)
    """
    return isinstance(module, TORCHS) or in_slot(module)


def is_called_norm(module: nn.Module) -> bool:
    """Whether it is a norm, or a module without others in it that is called one."""
    named = re.search("norm", type(module).__name__, re.IGNORECASE)
    return is_norm(module) or (named is not None and not list(module.children()))


def is_norm_module(module: nn.Module) -> bool:
    """Whether a module's own parameters scale and shift what it has normalised.

    Torch's norms and what is made from them; and a module of a user's own that keeps a
    `running_mean` or is called a norm (`LayerNorm2d`, `MyBN`), if its parameters have
    one number per feature, whatever axes of length 1 they have beside. What has layers
    or norms in it (`ConvNormActivation`) is none.

    Example:
        >>> import torch
        >>> class ScaleNorm(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.gain = nn.Parameter(torch.ones(1, 3, 1, 1))
        >>> is_norm_module(ScaleNorm()), is_norm_module(nn.Linear(1, 3))
        (True, False)
    """
    if isinstance(module, TORCHS):
        return True
    if type(module).__module__.startswith("torch.nn.utils."):  # of weights
        return False
    called = re.search(r"norm|bn(?![a-z])", type(module).__name__, re.IGNORECASE)
    if not called and not keeps_averages(module):
        return False
    if any(isinstance(inner, _PARTS) for inner in module.modules()):
        return False
    own = [p for p in module.parameters(recurse=False) if not is_lazy(p)]
    return all(p.numel() == max(p.shape, default=1) for p in own)


def keeps_averages(module: nn.Module) -> bool:
    """Whether it has a place for running averages, so that it may follow a batch.

    Example:
        >>> keeps_averages(nn.BatchNorm1d(3)), keeps_averages(nn.LayerNorm(3))
        (True, False)
    """
    return "running_mean" in module._buffers


def as_torch_made(norm: nn.Module) -> bool:
    """Whether it does what torch's class says.

    Not so one of a class of a user's own, nor one that a hook or another `forward` was
    put on: who knows what they do.
    """
    changed = norm._forward_hooks or norm._forward_pre_hooks or "forward" in vars(norm)
    return not changed and type(norm).__module__.startswith("torch.nn.")


def by_unit(module: nn.Module) -> bool:
    """Whether it takes mean and scale out of every unit by itself."""
    return isinstance(module, _NormBase)


def has_units_second(module: nn.Module) -> bool:
    """Whether it takes axis 1 for that of the units: `(n, units, *positions)`."""
    return isinstance(module, _CHANNELS_SECOND)


def is_instance(module: nn.Module) -> bool:
    """Whether it is torch's instance norm: example by example, averages or none."""
    return isinstance(module, _InstanceNorm)


def is_batch_norm(module: nn.Module) -> TypeGuard[_BatchNorm]:
    """Whether it is torch's batch norm, or made from it.

    Without averages such a one takes the statistics of the batch, in any mode.
    """
    return isinstance(module, _BatchNorm)


def normalized_shape(module: nn.Module) -> tuple[int, ...] | None:
    """The last axes that one of torch's layer or RMS norms takes together."""
    if isinstance(module, nn.LayerNorm | nn.RMSNorm):
        return tuple(module.normalized_shape)
    return None


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
    if is_instance(norm):
        return positions
    if last := normalized_shape(norm):
        return prod(last)
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
