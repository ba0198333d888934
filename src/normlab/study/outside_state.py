"""What changes in a step beside parameters and buffers: kept, or refused by name.

A run must be able to go on from a checkpoint to the same bits. Checkpoints hold plain
values, tensors, arrays, generators, lists and dictionaries of them (`base.packing`); a
network or an optimizer that moves anything else is refused before it is trained.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from normlab.base.hold import preserved
from normlab.base.packing import Outside
from normlab.base.streams import ambient
from normlab.errors import BadModel, BadSetting, RunFailed
from normlab.spec.recipe import Recipe
from normlab.train.descent import OptimizerFactory, TorchDescent, descent_for
from normlab.train.evaluate import Loss

STEPS = 12  # of a restored optimizer: some do something else every few steps


def refuse_lost_state(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    *,
    loss: Loss,
    recipe: Recipe,
    optimizer: OptimizerFactory | None = None,
) -> None:
    """Take one step, and refuse what a checkpoint of it could not hold.

    Model and generators are left as they were. A step that fails is told of elsewhere.

    Args:
        model: The network of an arm, on the device of the batch.
        inputs: A batch, `(n, ...)`.
        labels: Its labels, `(n,)`.
        loss: The loss of the study.
        recipe: How it trains.
        optimizer: Makes the optimizer of `recipe.optimizer = "python"`.

    Raises:
        BadModel: Something of the network would be lost; it is named.
        BadSetting: Something of the optimizer would, or it would go on otherwise than
            without the stop, or its schedule and the recipe's are at odds.
    """
    rate = recipe.rates[0]
    with preserved(model):
        start = _parameters(model)
        try:
            # what is computed once and looked up from then on is no state
            model.train()(inputs)
            outside = Outside(model)
            descent = descent_for(model, recipe, rate, factory=optimizer)
            descent.step(loss(model(inputs), labels), rate)
        except Exception:
            return
        _refuse_model(outside)
        if optimizer is not None and isinstance(descent, TorchDescent):
            _refuse_schedules(descent, recipe)
            stepped = _parameters(model)
            _place(model, start)  # where a run is when its optimizer is made
            restored = descent_for(model, recipe, rate, factory=optimizer)
            _place(model, stepped)
            _refuse_optimizer(model, descent, cast(TorchDescent, restored), rate)


def _refuse_model(outside: Outside) -> None:
    if lost := outside.lost():
        raise BadModel(
            f"the network's '{lost[0]}' changes in a training step, and a checkpoint "
            f"could not hold it, so that a run could not go on after a stop. Keep it "
            f"in a buffer, or as a number, tensor, list or dictionary that is an "
            f"attribute of the module."
        )


def _refuse_schedules(descent: TorchDescent, recipe: Recipe) -> None:
    if descent.schedules_itself and (recipe.schedule != "constant" or recipe.warmup):
        what = "recipe.schedule" if recipe.schedule != "constant" else "recipe.warmup"
        raise BadSetting(
            f"{what}: the optimizer changes its learning rates itself. Leave that to "
            f"one of them: recipe.schedule=constant with recipe.warmup=0, or an "
            f"optimizer without a schedule."
        )


def _refuse_optimizer(
    model: nn.Module, descent: TorchDescent, restored: TorchDescent, rate: float
) -> None:
    """Let both go on from the same state, one of them by way of a checkpoint."""
    try:
        tensors, scalars = descent.state()
    except RunFailed as lost:
        raise BadSetting(str(lost)) from None
    kept = {name: tensor.clone() for name, tensor in tensors.items()}
    start = _parameters(model)
    gradients = [p.grad for p in model.parameters()]
    without = _steps(model, descent, gradients, rate)
    _place(model, start)
    restored.restore(kept, json.loads(json.dumps(scalars)))
    after = _steps(model, restored, gradients, rate)
    if not all(map(torch.equal, without, after)):
        raise BadSetting(
            f"optimizer {descent.name}: restored from a checkpoint it takes other "
            f"steps than without, so that a run could not go on after a stop. "
            f"Keep all that it needs in its state or its attributes."
        )


def _steps(
    model: nn.Module,
    descent: TorchDescent,
    gradients: Sequence[Tensor | None],
    rate: float,
) -> list[Tensor]:
    """Where the same gradients, ever smaller, lead to."""
    with ambient("restored optimizer"):
        for step in range(STEPS):
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                scaled = None if gradient is None else gradient / (step + 1)
                parameter.grad = scaled
            descent.move(rate)
    return _parameters(model)


def _parameters(model: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def _place(model: nn.Module, values: Sequence[Tensor]) -> None:
    for parameter, one in zip(model.parameters(), values, strict=True):
        parameter.data.copy_(one)
