"""A network that was built already: copies of it, with their own weights or its."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

from torch import nn

from normlab.errors import BadModel


@dataclass(frozen=True)
class Kept:
    """Makes copies of a network with the weights that it has."""

    model: nn.Module

    def __call__(self) -> nn.Module:
        """A copy, in training.

        Example:
            >>> net = nn.Linear(2, 3)
            >>> Kept(net)().weight.equal(net.weight)
            True
        """
        return deepcopy(self.model).train()


@dataclass(frozen=True)
class Redrawn:
    """Makes copies of a network whose weights are drawn anew, module by module.

    Every module draws by its own `reset_parameters`, so what a constructor set
    otherwise (a narrower draw, zeros in the last layer) is lost: give the class or a
    function to keep it.
    """

    model: nn.Module

    def __call__(self) -> nn.Module:
        """A copy, drawn from the default generator.

        Raises:
            BadModel: If a module has parameters or buffers of its own and no
                `reset_parameters`.

        Example:
            >>> Redrawn(nn.Linear(2, 3))()
            Linear(in_features=2, out_features=3, bias=True)
        """
        copy = deepcopy(self.model).train()
        for path, module in copy.named_modules():
            held = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
            if not held:
                continue
            reset = getattr(module, "reset_parameters", None)
            if not callable(reset):
                which = f"'{path}' ({type(module).__name__})" if path else "the model"
                raise BadModel(
                    f"{which} has tensors of its own and no reset_parameters(), so its "
                    "weights cannot be drawn anew for each seed. Give the class, or a "
                    "function that builds the network."
                )
            reset()
        return copy
