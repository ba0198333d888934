"""Stochastic gradient descent by torch's own kernel, and who decays how much."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from normlab.norms.recognize import is_norm
from normlab.spec.recipe import Recipe

# The numbers in a vector register divide this on every processor in use. Torch's fused
# kernel rounds a last, partial vector otherwise than its default SGD, and only that.
_WHOLE_VECTORS = 64


def decays(model: nn.Module, recipe: Recipe) -> dict[str, float]:
    """Weight decay of each parameter, by name.

    With `decay_norms=False` the parameters of normalisation layers and all
    biases are left alone (Goyal et al. 2017, arXiv 1706.02677, section 5.1).
    """
    spared: set[str] = set()
    if not recipe.decay_norms:
        for path, module in model.named_modules():
            for name, _ in module.named_parameters(prefix=path, recurse=False):
                if is_norm(module) or name.rpartition(".")[2] == "bias":
                    spared.add(name)
    return {
        name: 0.0 if name in spared else recipe.weight_decay
        for name, _ in model.named_parameters()
    }


class PlainSGD:
    r"""Stochastic gradient descent with momentum, without the optimizer's overhead.

    $m \leftarrow \mu m + g + \lambda w$, then $w \leftarrow w - a m$: the numbers
    of `torch.optim.SGD`, to the last bit. Its kernel is called directly, because on
    a small network the bookkeeping around it costs a sixth of the whole step.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._momentum = recipe.momentum
        self._buffers = {
            name: torch.zeros_like(parameter, requires_grad=False)
            for name, parameter in model.named_parameters()
        }
        decay_of = decays(model, recipe)
        self._moved: list[_Moved] = [
            _Moved(
                parameter,
                self._buffers[name],
                decay_of[name],
                whole=parameter.numel() % _WHOLE_VECTORS == 0,
            )
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        ]

    name = "SGD"

    def step(self, rate: float) -> None:
        """Move the parameters, drop the gradients."""
        self.move(rate)
        for moved in self._moved:
            moved.parameter.grad = None

    def move(self, rate: float) -> None:
        """Move the parameters along the gradients that are there."""
        with torch.no_grad():
            fused: dict[float, list[_Moved]] = {}
            for moved in self._moved:
                gradient = moved.parameter.grad
                if gradient is None:
                    continue  # the loss does not depend on it
                if moved.whole and not gradient.is_sparse:
                    fused.setdefault(moved.decay, []).append(moved)
                else:
                    self._move_one(moved, rate)
            for decay, group in fused.items():
                self._move_together(group, rate, decay)

    def _move_one(self, moved: _Moved, rate: float) -> None:
        parameter, buffer, decay, _ = moved
        gradient = parameter.grad
        assert gradient is not None
        if gradient.is_sparse:  # of an embedding; torch cannot let it decay
            gradient = gradient.to_dense()
        if decay:
            gradient = gradient.add(parameter, alpha=decay)
        buffer.mul_(self._momentum).add_(gradient)
        parameter.add_(buffer, alpha=-rate)

    def _move_together(self, group: list[_Moved], rate: float, decay: float) -> None:
        torch._fused_sgd_(  # pyright: ignore[reportPrivateImportUsage]
            [moved.parameter for moved in group],
            [cast(Tensor, moved.parameter.grad) for moved in group],
            [moved.buffer for moved in group] if self._momentum else [],
            weight_decay=decay,
            momentum=self._momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,  # from zero buffers the first step is like any other
        )

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The momentum buffers, by parameter name."""
        return dict(self._buffers), {}

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, object]) -> None:
        """Fill the momentum buffers."""
        del scalars  # SGD has none
        for name, buffer in self._buffers.items():
            buffer.copy_(tensors[name])


class _Moved(NamedTuple):
    parameter: nn.Parameter
    buffer: Tensor  # its momentum
    decay: float
    whole: bool  # whether torch's fused kernel rounds it as its default SGD
