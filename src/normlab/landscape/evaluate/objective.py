"""What is measured: a loss of outputs and targets, or any objective of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from normlab.landscape.intake.batch import Batch, call

Loss = Callable[[Any, Any], Tensor]
"""Mean loss per example of outputs and targets."""

OfModel = Callable[[nn.Module, Batch], Tensor]
"""Mean loss per example of a model on a batch."""


class Objective(Protocol):
    """Mean loss per example of a network on a batch."""

    gradients: bool
    """Whether operations are recorded, as while training."""

    def value(self, net: nn.Module, batch: Batch) -> float:
        """The mean loss."""
        ...

    def outputs(self, net: nn.Module, batch: Batch) -> Any:
        """What shows whether the examples of a batch depend on each other."""
        ...


@dataclass(frozen=True)
class LossObjective:
    """A loss of outputs and targets; the batch is a pair of inputs and targets."""

    loss: Loss
    gradients = False

    def value(self, net: nn.Module, batch: Batch) -> float:
        """The mean loss."""
        return float(self.loss(self.outputs(net, batch), batch[1]))

    def outputs(self, net: nn.Module, batch: Batch) -> Any:
        """What the network returns."""
        return call(net, batch[0])

    def refuse_unfit(self, outputs: Any, targets: Any) -> None:
        """Refuse outputs of a few examples and all targets that do not go together."""


@dataclass(frozen=True)
class ModelObjective:
    """A user's function of the model and the batch, called as training would call it.

    Operations are recorded, so that it can ask for derivatives, with respect to the
    batch too: the tensors it is given are its own.
    """

    function: OfModel
    gradients = True

    def value(self, net: nn.Module, batch: Batch) -> float:
        """The mean loss."""
        with torch.enable_grad():
            found = self.function(net, batch)
        return float(found.detach() if isinstance(found, Tensor) else found)

    def outputs(self, net: nn.Module, batch: Batch) -> Any:
        """The loss itself: nothing else is known."""
        return torch.tensor(self.value(net, batch), dtype=torch.float64)
