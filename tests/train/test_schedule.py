"""Learning rates against their formulas."""

from __future__ import annotations

import pytest
import torch

from normlab.spec.recipe import Recipe
from normlab.train.schedule import rate_at

STEPS = 5


def rates(recipe: Recipe) -> list[float]:
    total = recipe.epochs * STEPS
    return [rate_at(recipe, 0.2, step=t, steps_per_epoch=STEPS) for t in range(total)]


def torch_rates(recipe: Recipe, scheduler: object, *, every: int) -> list[float]:
    """What torch's own scheduler says, stepped every so many steps."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], 0.2)
    schedule = scheduler(optimizer)  # type: ignore[operator]
    said = []
    for step in range(recipe.epochs * STEPS):
        said.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % every == 0:
            schedule.step()
    return said


def test_constant_is_constant() -> None:
    assert rates(Recipe(epochs=3)) == [0.2] * 15


def test_cosine_is_that_of_torch() -> None:
    recipe = Recipe(epochs=4, schedule="cosine")
    lr = torch.optim.lr_scheduler
    theirs = torch_rates(recipe, lambda o: lr.CosineAnnealingLR(o, 20), every=1)
    assert rates(recipe) == pytest.approx(theirs)


def test_step_is_that_of_torch() -> None:
    recipe = Recipe(epochs=6, schedule="step", step_every=2, step_factor=0.5)
    lr = torch.optim.lr_scheduler
    theirs = torch_rates(recipe, lambda o: lr.StepLR(o, 2, 0.5), every=STEPS)
    assert rates(recipe) == pytest.approx(theirs)


def test_the_warm_up_grows_linearly_to_the_full_rate() -> None:
    recipe = Recipe(epochs=2, warmup=4)
    assert rates(recipe)[:6] == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.2, 0.2])
