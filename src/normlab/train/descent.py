"""Optimizers: from the gradient of one batch to the next weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from normlab.base.outside import Outside
from normlab.base.packing import Packed
from normlab.errors import BadSetting, RunFailed
from normlab.spec.recipe import Recipe
from normlab.train.plain_sgd import PlainSGD, decays

OptimizerFactory = Callable[..., torch.optim.Optimizer]


class Descent(Protocol):
    """Moves a model's parameters against the gradients that they have."""

    @property
    def name(self) -> str:
        """What the optimizer is called."""
        ...

    def step(self, rate: float) -> None:
        """Move every parameter once, at `rate`, and drop the gradients."""
        ...

    def move(self, rate: float) -> None:
        """Move every parameter once, along the gradient that it has."""
        ...

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """What a checkpoint needs: tensors, and numbers that JSON can hold."""
        ...

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, object]) -> None:
        """Take back what `state` gave."""
        ...


class TorchDescent:
    r"""Any optimizer of `torch.optim`.

    Each of its groups of parameters moves at a rate of its own, $a_g \cdot a_t / a$:
    the one it was made with, times the factor of the schedule. While that factor is 1
    nothing touches the rates, so that a schedule inside of the optimizer holds.

    Args:
        optimizer: Made for the rate $a$.
        rate: The run's learning rate $a$.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, rate: float) -> None:
        self._optimizer = optimizer
        self._base = self._rate = rate
        self._first = self._rates = self._own_rates()
        parameters = (p for group in optimizer.param_groups for p in group["params"])
        self._outside = Outside(optimizer, parameters)

    @property
    def name(self) -> str:
        """What its class is called."""
        return type(self._optimizer).__name__

    def step(self, rate: float) -> None:
        """Let the optimizer step, and drop the gradients."""
        self.move(rate)
        self._optimizer.zero_grad()

    def move(self, rate: float) -> None:
        """Let the optimizer step, with the gradients that are there."""
        if rate != self._rate:
            self._follow(rate)
        self._optimizer.step()

    def _follow(self, rate: float) -> None:
        """Scale every group's own rate as the schedule scales the run's.

        Raises:
            BadSetting: The optimizer scales them as well.
        """
        if self.schedules_itself:
            raise BadSetting(
                f"optimizer {self.name} changes its learning rates itself, and so does "
                f"recipe.schedule or recipe.warmup. Leave it to one of them."
            )
        groups = self._optimizer.param_groups
        for group, first in zip(groups, self._first, strict=True):
            # the recipe's own optimizers get the very rate, not one rounded twice
            at_base = first == self._base
            group["lr"] = rate if at_base else first * (rate / self._base)
        self._rate, self._rates = rate, self._own_rates()

    def _own_rates(self) -> list[float]:
        return [group["lr"] for group in self._optimizer.param_groups]

    @property
    def schedules_itself(self) -> bool:
        """Whether the optimizer has changed a rate since it was last set."""
        return self._own_rates() != self._rates

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """What has changed about the optimizer since it was made.

        Raises:
            RunFailed: The optimizer keeps something that no checkpoint can hold.
        """
        if lost := self._outside.lost():
            raise RunFailed(
                f"optimizer {self.name}: no checkpoint can hold "
                f"its '{lost[0]}'. Use an optimizer that keeps tensors, numbers, and "
                f"lists or dictionaries of them."
            )
        packed = self._outside.packed()
        return packed.tensors, {"rate": self._rate, "attributes": packed.values}

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, object]) -> None:
        """Rebuild the optimizer's state from what `state` gave."""
        if "attributes" not in scalars:
            self._restore_older(tensors, scalars)
            return
        values = cast(dict[str, object], scalars["attributes"])
        self._outside.put(Packed(values, tensors))
        self._rate = cast(float, scalars["rate"])
        self._rates = self._own_rates()

    def _restore_older(
        self, tensors: dict[str, Tensor], scalars: dict[str, object]
    ) -> None:
        """From a checkpoint of a study that an earlier version began."""
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
        return TorchDescent(factory(list(model.parameters()), lr=rate), rate)
    if recipe.optimizer == "sgd" and _is_plain(model):
        return PlainSGD(model, recipe)
    groups = _by_decay(model, recipe)
    betas = (recipe.momentum, 0.999)
    makers: dict[str, Callable[[], torch.optim.Optimizer]] = {
        "sgd": lambda: torch.optim.SGD(groups, lr=rate, momentum=recipe.momentum),
        "adam": lambda: torch.optim.Adam(groups, lr=rate, betas=betas),
        "adamw": lambda: torch.optim.AdamW(groups, lr=rate, betas=betas),
    }
    made = makers[recipe.optimizer]()
    if recipe.optimizer == "sgd":
        made.register_step_pre_hook(_densify)
    return TorchDescent(made, rate)


def _densify(optimizer: torch.optim.Optimizer, *_: object) -> None:
    """Let no gradient be sparse: momentum would be, which no checkpoint can hold."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = parameter.grad.to_dense()


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
