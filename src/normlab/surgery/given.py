"""A model as people hand it over: wrapped, compiled, lazy; a copy to work on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, is_lazy

from normlab.base.hold import preserved
from normlab.errors import BadModel, described
from normlab.surgery.examples import Example, run
from normlab.user_code import refusing

_WRAPPERS = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "OptimizedModule": "_orig_mod",
}
_QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic", "torch.nn.quantized")


def inner(model: nn.Module) -> nn.Module:
    """The network in wrappers of torch's: DataParallel, DDP, what `compile` returns.

    Example:
        >>> net = nn.Linear(4, 3)
        >>> inner(nn.DataParallel(net)) is net
        True
    """
    while (name := _WRAPPERS.get(type(model).__name__)) and hasattr(model, name):
        model = getattr(model, name)
    return model


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Work on copies of a model in the body, which may change the model all the same.

    Hooks of a user's are not copied with a module, and may hold on to what is not.

    Raises:
        BadModel: If it has no modules that can be worked on.
    """
    refuse_opaque(model)
    with preserved(model):
        yield


def refuse_opaque(model: nn.Module) -> None:
    """Refuse what has no modules that can be worked on.

    Raises:
        BadModel: If it is scripted, exported or quantised, or no module at all.
    """
    kinds = {type(model), *map(type, model.modules())} if _is_module(model) else set()
    what = None
    if not kinds:
        kind = type(model).__name__
        what = "exported" if kind == "ExportedProgram" else f"a {kind}"
    elif any(issubclass(kind, torch.jit.ScriptModule) for kind in kinds):
        what = "scripted"
    elif any(kind.__module__.startswith(_QUANTISED) for kind in kinds):
        what = "quantised"
    elif "exported" in getattr(model, "meta", {}) or _is_exported(model):
        what = "exported"
    if what is not None:
        raise BadModel(
            f"the model is {what}, and its layers cannot be taken apart. Pass the "
            "torch.nn.Module that it was made from."
        )


def _is_module(model: object) -> bool:
    return isinstance(model, nn.Module)


def _is_exported(model: nn.Module) -> bool:
    """Whether torch.export made it: its mode cannot be set."""
    return isinstance(model, torch.fx.GraphModule) and "eval" in vars(model)


def _computed(model: nn.Module) -> list[Tensor]:
    values = (value for module in model.modules() for value in vars(module).values())
    return [v for v in values if isinstance(v, Tensor) and not v.is_leaf]


def copied(model: nn.Module, examples: Sequence[Example] = ()) -> nn.Module:
    """A copy of the network in a model, with the shapes that lazy modules wait for.

    Args:
        model: Left as it is.
        examples: What lazy modules see first.

    Raises:
        BadModel: If it cannot be copied or taken apart.
    """
    refuse_opaque(model)

    def told(error: BaseException) -> BadModel:
        return BadModel(
            f"the model cannot be copied: {described(error)}. Take tensors of a "
            "computation off its attributes, or build it anew."
        )

    waiting = [b for b in model.buffers() if isinstance(b, UninitializedBuffer)]
    # torch copies parameters of lazy modules, and not their buffers
    memo: dict[int, Any] = {
        id(one): UninitializedBuffer(dtype=one.dtype)  # pyright: ignore[reportCallIssue]
        for one in waiting
    }
    # nor what is left of a computation, as the weight of an old weight norm is
    memo |= {id(one): one.detach().clone() for one in _computed(inner(model))}
    with refusing(told):
        copy = deepcopy(inner(model), memo)
    if any(map(is_lazy, (*copy.parameters(), *copy.buffers()))):
        if not examples:
            raise BadModel(
                "the model has lazy modules, whose shapes are not known yet. Run it "
                "once on a batch first."
            )
        with torch.no_grad():
            run(copy.eval(), examples[0])
        modes = zip(copy.modules(), inner(model).modules(), strict=False)
        for module, original in modes:
            module.training = original.training
    return copy
