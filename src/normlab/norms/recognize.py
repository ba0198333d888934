"""Which modules of a network are norms, and of which kind; whoever made them."""

from __future__ import annotations

import re

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.parameter import is_lazy

from normlab.base.slots import in_slot
from normlab.norms.rms import ChannelRMSNorm

_CLASSES = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, ChannelRMSNorm)
_CHANNELS_SECOND = (_NormBase, nn.GroupNorm)
_TORCHS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)
_FOLDABLE = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def is_norm(module: nn.Module) -> bool:
    """Whether a module normalises: of this package, of torch, or made for a slot.

    Example:
        >>> is_norm(nn.BatchNorm1d(3)), is_norm(nn.Identity())
        (True, False)
    """
    return isinstance(module, _CLASSES) or in_slot(module)


def is_called_norm(module: nn.Module) -> bool:
    """Whether it is a norm, or a module without others in it that is called one."""
    named = re.search("norm", type(module).__name__, re.IGNORECASE)
    return is_norm(module) or (named is not None and not list(module.children()))


def is_norm_module(module: nn.Module) -> bool:
    """Whether a module's own parameters scale and shift what it has normalised.

    Torch's norms and what is made from them; and a module of a user's own that keeps a
    `running_mean` or is called a norm (`LayerNorm2d`, `MyBN`), if its parameters have
    one number per feature, whatever axes of length 1 they have beside.

    Example:
        >>> import torch
        >>> class ScaleNorm(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.gain = nn.Parameter(torch.ones(1, 3, 1, 1))
        >>> is_norm_module(ScaleNorm()), is_norm_module(nn.Linear(1, 3))
        (True, False)
    """
    if isinstance(module, _TORCHS):
        return True
    called = re.search(r"norm|bn(?![a-z])", type(module).__name__, re.IGNORECASE)
    if not called and not keeps_averages(module):
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


def is_foldable(module: nn.Module) -> bool:
    """Whether it is torch's batch norm itself: affine at inference, without a doubt."""
    return type(module) in _FOLDABLE
