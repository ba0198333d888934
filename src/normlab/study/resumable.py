"""Can a run be looked at, and go on from a checkpoint, to the same bits?

Checkpoints hold parameters, buffers and beside them plain values, tensors, arrays,
generators, lists and dictionaries of them (`base.packing`). A network or an optimizer
that moves anything else is refused before it is trained.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from normlab.base.digest import digest
from normlab.base.hold import preserved
from normlab.base.outside import Outside
from normlab.base.streams import seeded
from normlab.errors import BadModel, BadSetting, RunFailed
from normlab.spec.recipe import Recipe
from normlab.train.descent import Descent, TorchDescent

STEPS = 12  # of a restored optimizer: some do something else every few steps


def refuse_other_steps(
    model: nn.Module, step: Callable[[], Tensor], look: Callable[[], object]
) -> None:
    """Take one step, undone, and the same step once more; refuse what is left over.

    What a look at a network changes is put back wherever `base.state` finds it. If the
    second step is another, something moves that nobody finds, and both measuring and
    stopping would change the training.

    Args:
        model: Has read a batch before: what is computed once and looked up from then
            on is no state. The second step stays taken.
        step: Takes one step of training and returns its loss; draws the same numbers
            each time.
        look: Runs the network as evaluation does.

    Raises:
        BadModel: The steps differ, or a checkpoint could not hold what moved.
    """
    with preserved(model):
        once = _bits(model, step())
        look()
    outside = Outside(model)
    again = _bits(model, step())
    if lost := outside.lost():
        raise BadModel(
            f"the network's '{lost[0]}' changes in a training step, and a checkpoint "
            f"could not hold it, so that a run could not go on after a stop. Keep it "
            f"in a buffer, or as a number, tensor, list or dictionary that is an "
            f"attribute of the module."
        )
    if once != again:
        raise BadModel(
            "the same training step, taken twice from the same state, gives other "
            "numbers, so that measuring would change the training: it depends on "
            "something that is neither in the network nor in the default generators. "
            "Keep what it remembers in a buffer or an attribute of the module, and "
            "draw from torch's, NumPy's or Python's default generator."
        )


def refuse_forgetful_optimizer(
    model: nn.Module,
    step: Callable[[Descent], object],
    *,
    made: Callable[[], TorchDescent],
    recipe: Recipe,
) -> None:
    """Refuse an optimizer of a user's that goes on otherwise from a checkpoint.

    Model and generators are left as they were.

    Args:
        model: The network of an arm.
        step: Takes one step with the optimizer and leaves the gradients.
        made: Makes the optimizer of `recipe.optimizer = "python"`.
        recipe: How it trains.

    Raises:
        BadSetting: It does, or its schedule and the recipe's are at odds.
    """
    rate = recipe.rates[0]
    with preserved(model):
        start = _parameters(model)
        descent = made()
        step(descent)
        _refuse_schedules(descent, recipe)
        stepped = _parameters(model)
        _place(model, start)  # where a run is when its optimizer is made
        restored = made()
        _place(model, stepped)
        _refuse_optimizer(model, descent, restored, rate)


def _bits(model: nn.Module, loss: Tensor) -> list[str]:
    return [digest(tensor) for tensor in (loss, *model.parameters(), *model.buffers())]


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
    with seeded("restored optimizer"):
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
