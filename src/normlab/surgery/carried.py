"""What a norm hands on to the one that takes its place: numbers, and an activation."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from normlab.base.slots import Slot
from normlab.base.streams import stream
from normlab.norms.batch import batch
from normlab.norms.recognize import is_batch_norm
from normlab.surgery.features_last import FeaturesLast
from normlab.surgery.watch import NONLINEAR

_NAMES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_FUNCTIONS = {f"{one.__name__}()": one for one in NONLINEAR}


class Activation(nn.Module):
    """A nonlinear function of torch's as a module, by its name.

    Example:
        >>> Activation("relu()")(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        """The function of `x`, which may change in place."""
        return _FUNCTIONS[self.name](x)

    def extra_repr(self) -> str:
        """Its name, for `print(model)`."""
        return self.name


def carry(old: nn.Module, new: nn.Module, like: Tensor | None = None) -> nn.Module:
    """Give a new norm what it has a place for: scale, shift, statistics, settings.

    Args:
        old: Left as it is.
        new: A norm of as many features; is changed.
        like: A tensor on the device and of the type that the new one's shall be.

    Returns:
        The new one.
    """
    if like is not None:
        new.to(device=like.device, dtype=like.dtype)
    source, target = _bare(old), _bare(new)
    for name, kind in (("eps", float), ("momentum", (float, type(None)))):
        if hasattr(target, name) and isinstance(getattr(source, name, ""), kind):
            setattr(target, name, getattr(source, name))
    alike = is_batch_norm(source) and is_batch_norm(target)
    for name in _NAMES:
        theirs, ours = getattr(source, name, None), getattr(target, name, None)
        if isinstance(theirs, Tensor) and isinstance(ours, Tensor):
            if theirs.numel() == ours.numel():
                ours.data.copy_(theirs.detach().reshape(ours.shape))
                if isinstance(theirs, nn.Parameter):
                    ours.requires_grad_(theirs.requires_grad)
        elif alike and theirs is None and hasattr(source, name):
            setattr(target, name, None)
    if alike:
        for flag, held in (("affine", "weight"), ("track_running_stats", _NAMES[2])):
            setattr(target, flag, getattr(target, held) is not None)
    return new


def _bare(norm: nn.Module) -> nn.Module:
    return norm.norm if isinstance(norm, FeaturesLast) else norm


def rest_of(old: nn.Module, names: Sequence[str]) -> nn.Module:
    """What stays of a norm that goes: activations, or modules in it, by their names."""
    kept = [
        Activation(name) if name.endswith("()") else old.get_submodule(name)
        for name in names
    ]
    whole = nn.Sequential(*kept) if len(kept) > 1 else next(iter(kept), nn.Identity())
    return whole.train(old.training)


def parted(
    old: nn.Module, steps: Sequence[str], slot: Slot
) -> tuple[nn.Module, tuple[str, ...]] | None:
    """Torch's batch norm that does the work of one made from it, and what is left.

    Args:
        old: Of a class made from torch's batch norm; left as it is.
        steps: The functions and modules that it calls.
        slot: What enters it.

    Returns:
        None if the two together would do something else at inference.
    """
    norming = [place for place, name in enumerate(steps) if name == "batch_norm()"]
    if not is_batch_norm(old) or len(norming) != 1:
        return None
    rest = tuple(steps[norming[0] + 1 :])
    known = _FUNCTIONS.keys() | {name for name, _ in old.named_children()}
    if not known.issuperset(rest):
        return None
    old = deepcopy(old).eval()
    like = next((t for t in (*old.parameters(), *old.buffers())), None)
    plain = carry(old, batch(*slot), like).eval()
    sizes = (2, slot.features, *(2,) * slot.dims)
    x = torch.randn(sizes, generator=stream("probe of a norm"))
    x = x if like is None else x.to(like)
    with torch.no_grad():
        both = nn.Sequential(plain, rest_of(old, rest))
        expected = old(x.clone())
        same = torch.allclose(both(x.clone()), expected, rtol=1e-5, atol=1e-5)
    return (plain, rest) if same else None
