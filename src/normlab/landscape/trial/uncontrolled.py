"""Modules that take statistics of the batch and cannot be told not to."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from normlab.landscape.evaluate.norms import norm_names
from normlab.landscape.intake.batch import Batch, mapped, tensors
from normlab.landscape.trial.together import Together
from normlab.landscape.trial.witness import Witness


def uncontrolled(together: Together, outputs: Any) -> str:
    """The module whose training mode takes statistics of the batch, if any.

    Torch's own layers are known, and so are norms that keep a `running_mean`. All
    others are set to train mode, without dropout. A mode in which the network gives
    something else, and in which examples interact, is that of a norm. Noise hides
    whether they do: there the norm is known by what it remembers.

    Args:
        together: The network in eval mode, on a few examples.
        outputs: What it gives of these.

    Returns:
        The name of its class; empty if there is none.
    """
    net = together.net
    known = {id(net.get_submodule(name)) for name in norm_names(net)}
    kinds: dict[type, list[nn.Module]] = {}
    for module in net.modules():
        if not type(module).__module__.startswith("torch.") and id(module) not in known:
            kinds.setdefault(type(module), []).append(module)
    every = [module for modules in kinds.values() for module in modules]
    if together.size < 2 or not every or not _counting(together, every, outputs):
        return ""
    recorded = together.objective.gradients
    for kind, modules in kinds.items():
        if _counting(together, modules, outputs, recorded=recorded):
            return kind.__name__
    return type(net).__name__


def _counting(
    together: Together, modules: list[nn.Module], outputs: Any, *, recorded: bool = True
) -> bool:
    """Whether these take statistics of the batch when they train.

    Some tell training from evaluation by whether operations are recorded.
    """
    watched = Witness(together.net)
    together.state.put_back()

    def outcome(batch: Batch) -> Any:
        with torch.set_grad_enabled(recorded):
            return mapped(torch.detach, together.outputs(batch))

    try:
        for module in modules:
            module.training = True
        with _NoDropout(), watched:
            found = outcome(together.few)
        remembers = watched.wrote_own or together.state.changed
        one, other = tensors(found), tensors(outputs)
        if len(one) != len(other) or all(map(together.alike, one, other)):
            return False
        with _NoDropout():
            return remembers if watched.drew else not together.additive(outcome)
    except Exception:  # in training it wants something else, such as targets
        return False
    finally:
        together.state.put_back()


class _NoDropout(TorchFunctionMode):
    """Inside the block the functions of dropout give what they are given."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _DROPOUTS:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


_DROPOUTS = {
    functional.dropout,
    functional.dropout1d,
    functional.dropout2d,
    functional.dropout3d,
    functional.alpha_dropout,
    functional.feature_alpha_dropout,
    torch.dropout,
}
