"""What a norm does with a call, in training and after it: it is tried on copies."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Call = tuple[tuple[Any, ...], dict[str, Any]]
"""What a module was called with: its arguments, and those by keyword."""

_LATER = 10**6  # steps: by then what warms up or freezes has done so
_CLOSE = 1e-3  # relative: where eps stands may differ, what is normalised by may not


def of_size(call: Call, examples: int) -> Call:
    """The call with its examples repeated, each beside itself, to make so many."""
    args, named = call
    tensors = (x for x in (*args, *named.values()) if isinstance(x, Tensor) and x.dim())
    given = len(next(tensors, torch.empty(0)))
    if not 0 < given < examples:
        return call

    def more(value: Any) -> Any:
        if not isinstance(value, Tensor) or value.dim() == 0 or len(value) != given:
            return value
        return value.repeat_interleave(-(-examples // given), 0)[:examples]

    return tuple(map(more, args)), {key: more(value) for key, value in named.items()}


def same_in_both_modes(norm: nn.Module, call: Call) -> bool:
    """Now, and whatever a step of training would make of what it stores."""
    stored = otherwise_after_a_step(norm, call)

    def trained(probe: nn.Module) -> None:
        train(probe)
        stored(probe)

    return close(in_training(norm, call), output(norm, call, lambda _: None)) and close(
        output(norm, call, trained), output(norm, call, stored)
    )


def in_training(norm: nn.Module, call: Call) -> Tensor | None:
    """What it makes of a call where it trains; None if that fails."""
    with torch.enable_grad():  # as in a step, by which some tell that it is one
        return output(norm, call, train)


def otherwise_after_a_step(norm: nn.Module, call: Call) -> Callable[[nn.Module], None]:
    """What makes other values of all that a step of training changes in a norm."""
    before, after = (_stored(one) for one in (norm, _stepped(norm, call)))
    moved = {n for n in after if n not in before or not _equal(before[n], after[n])}
    moved |= {"running_mean", "running_var", "num_batches_tracked"} & before.keys()

    def disturb(probe: nn.Module) -> None:
        for name in moved:
            if hasattr(probe, name):  # what a step sets first, nothing rests on yet
                value = getattr(probe, name)
                later = value + _LATER if _counts(value) else value * 3 + 1
                setattr(probe, name, later)

    return disturb


def _stepped(norm: nn.Module, call: Call) -> nn.Module:
    args, named = copy.deepcopy(call)
    try:
        probe = copy.deepcopy(norm).eval()
        train(probe)
        with torch.enable_grad():
            probe(*args, **named)
    except Exception:  # code of the user's: any error may come out
        return norm
    return probe


def _stored(norm: nn.Module) -> dict[str, Any]:
    """Tensors and numbers that a norm keeps, but for its parameters."""
    kept = {**vars(norm), **norm._buffers}
    return {
        name: value
        for name, value in kept.items()
        if isinstance(value, Tensor | int | float) and not isinstance(value, bool)
    }


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    return bool(one is other or one == other)


def _counts(value: Any) -> bool:
    """Whether it is one number, as what counts steps is."""
    return not isinstance(value, Tensor) or value.dim() == 0


def train(probe: nn.Module) -> None:
    """Set its own mode; dropout and noise inside it stay off."""
    probe.training = True


def output(
    norm: nn.Module, call: Call, prepare: Callable[[nn.Module], None]
) -> Tensor | None:
    """What a copy of the norm makes of a call, in eval mode but for `prepare`."""
    args, named = copy.deepcopy(call)
    try:
        probe = copy.deepcopy(norm).eval()
        prepare(probe)
        return first_tensor((probe(*args, **named),), {}).detach()
    except Exception:  # code of the user's: any error may come out
        return None


def close(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two outputs are the same; what failed is like nothing."""
    if one is None or other is None or one.shape != other.shape:
        return False
    scale = float(one.abs().max()) if one.numel() else 0.0
    return torch.allclose(one, other, rtol=0, atol=_CLOSE * scale, equal_nan=True)


def first_tensor(args: Sequence[Any], named: Mapping[str, Any]) -> Tensor:
    """The first tensor that a norm is called with: what it normalises."""
    return next(x for x in (*args, *named.values()) if isinstance(x, Tensor))
