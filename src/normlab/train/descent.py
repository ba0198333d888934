"""Optimizers: from the gradient of one batch to the next weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from normlab.errors import BadSetting, RunFailed
from normlab.norms.registry import is_norm
from normlab.spec.recipe import Recipe

OptimizerFactory = Callable[..., torch.optim.Optimizer]

# The numbers in a vector register divide this on every processor in use. Torch's fused
# kernel rounds a last, partial vector otherwise than its default SGD, and only that.
_WHOLE_VECTORS = 64


class Descent(Protocol):
    """Moves a model's parameters against the gradient of a loss."""

    def step(self, loss: Tensor, rate: float) -> None:
        """Backpropagate `loss` and move every parameter once, at `rate`."""
        ...

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """What a checkpoint needs: tensors, and numbers that JSON can hold."""
        ...

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, object]) -> None:
        """Take back what `state` gave."""
        ...


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
            _Moved(parameter, self._buffers[name], decay_of[name])
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        ]

    def step(self, loss: Tensor, rate: float) -> None:
        """Backpropagate, move the parameters, drop the gradients."""
        loss.backward()
        with torch.no_grad():
            fused: dict[float, list[_Moved]] = {}
            for moved in self._moved:
                if moved.parameter.grad is None:
                    continue  # the loss does not depend on it
                if moved.parameter.numel() % _WHOLE_VECTORS == 0:
                    fused.setdefault(moved.decay, []).append(moved)
                else:
                    self._move_one(moved, rate)
            for decay, group in fused.items():
                self._move_together(group, rate, decay)
        for moved in self._moved:
            moved.parameter.grad = None

    def _move_one(self, moved: _Moved, rate: float) -> None:
        parameter, buffer, decay = moved
        gradient = parameter.grad
        assert gradient is not None
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


class TorchDescent:
    """Any optimizer of `torch.optim`."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer

    def step(self, loss: Tensor, rate: float) -> None:
        """Backpropagate, then let the optimizer step."""
        self._optimizer.zero_grad()
        loss.backward()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The optimizer's state, tensors apart from plain numbers.

        Raises:
            RunFailed: The optimizer keeps something that is neither.
        """
        tensors: dict[str, Tensor] = {}
        scalars: dict[str, object] = {}
        for index, entries in self._optimizer.state_dict()["state"].items():
            for name, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"{index}.{name}"] = value
                elif value is None or isinstance(value, bool | int | float | str):
                    scalars[f"{index}.{name}"] = value
                else:
                    raise RunFailed(
                        f"optimizer {type(self._optimizer).__name__}: its state "
                        f"'{name}' is a {type(value).__name__}, which no checkpoint "
                        f"can hold. Use an optimizer that keeps tensors and numbers."
                    )
        return tensors, scalars

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, object]) -> None:
        """Rebuild the optimizer's state from what `state` gave."""
        entries: dict[int, dict[str, object]] = {}
        for address, value in (tensors | scalars).items():
            index, _, name = address.partition(".")
            entries.setdefault(int(index), {})[name] = value
        whole = self._optimizer.state_dict()
        self._optimizer.load_state_dict({**whole, "state": entries})


def descent_for(
    model: nn.Module,
    recipe: Recipe,
    rate: float,
    *,
    factory: OptimizerFactory | None = None,
) -> Descent:
    """The optimizer that `recipe` names, bound to the parameters of `model`.

    Args:
        model: Its parameters are moved.
        recipe: Names the optimizer, momentum and weight decay.
        rate: Learning rate of the first step.
        factory: For `optimizer="python"`: called as `factory(parameters, lr=rate)`.

    Raises:
        BadSetting: The recipe says "python" and no factory was given.
    """
    if recipe.optimizer == "python":
        if factory is None:
            raise BadSetting(
                "recipe.optimizer = 'python' means an optimizer made in Python, and "
                "none was given. Pass optimizer=... to normlab.compare, or name "
                "sgd, adam or adamw."
            )
        return TorchDescent(factory(list(model.parameters()), lr=rate))
    if recipe.optimizer == "sgd" and _is_plain(model):
        return PlainSGD(model, recipe)
    groups = _by_decay(model, recipe)
    betas = (recipe.momentum, 0.999)
    makers: dict[str, Callable[[], torch.optim.Optimizer]] = {
        "sgd": lambda: torch.optim.SGD(groups, lr=rate, momentum=recipe.momentum),
        "adam": lambda: torch.optim.Adam(groups, lr=rate, betas=betas),
        "adamw": lambda: torch.optim.AdamW(groups, lr=rate, betas=betas),
    }
    return TorchDescent(makers[recipe.optimizer]())


def _is_plain(model: nn.Module) -> bool:
    """Whether all parameters are float32 on one device, as torch's kernel asks."""
    kinds = {(parameter.dtype, parameter.device) for parameter in model.parameters()}
    return len(kinds) == 1 and next(iter(kinds))[0] == torch.float32


def _by_decay(model: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    """Parameter groups for `torch.optim`, one for each weight decay in use."""
    groups: dict[float, list[nn.Parameter]] = {}
    decay_of = decays(model, recipe)
    for name, parameter in model.named_parameters():
        groups.setdefault(decay_of[name], []).append(parameter)
    return [{"params": g, "weight_decay": decay} for decay, g in groups.items()]
