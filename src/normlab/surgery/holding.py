"""Norms that are held still while a network trains."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from normlab.base.digest import digest

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class Hold:
    """A hook that puts a norm into eval mode whenever it is called.

    So its statistics are used and stay, whatever `model.train()` says. It can be copied
    and pickled with the module, and knows what the frozen tensors held.
    """

    def __init__(self, *, statistics: bool, affine: bool) -> None:
        self.statistics, self.affine = statistics, affine
        self.digests: dict[str, str] = {}

    def __call__(self, norm: nn.Module, args: tuple[Any, ...]) -> None:
        """Before each call."""
        del args
        if self.statistics:
            norm.training = False

    def held(self, norm: nn.Module) -> dict[str, Tensor]:
        """The tensors that are frozen."""
        named = {n: getattr(norm, n, None) for n in _STATISTICS if self.statistics}
        named |= dict(norm.named_parameters(recurse=False)) if self.affine else {}
        return {name: one for name, one in named.items() if isinstance(one, Tensor)}


def hold(norm: nn.Module, *, statistics: bool, affine: bool) -> nn.Module:
    """Freeze one norm where it stands; what held it before holds it no more.

    Example:
        >>> norm = hold(nn.BatchNorm1d(3), statistics=True, affine=True)
        >>> import torch
        >>> _ = norm.train()(torch.ones(4, 3))
        >>> norm.running_mean
        tensor([0., 0., 0.])
    """
    for key, hook in list(norm._forward_pre_hooks.items()):
        if isinstance(hook, Hold):
            del norm._forward_pre_hooks[key]
    hook = Hold(statistics=statistics, affine=affine)
    norm.register_forward_pre_hook(hook)
    if statistics:
        norm.training = False
    if affine:
        for parameter in norm.parameters(recurse=False):
            parameter.requires_grad = False
    hook.digests = {name: digest(one) for name, one in hook.held(norm).items()}
    return norm
