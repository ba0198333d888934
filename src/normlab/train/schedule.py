"""Learning rate of every step: constant, step or cosine, with a warm-up.

Source: cosine annealing without restarts from Loshchilov & Hutter 2017,
arXiv 1608.03983; linear warm-up from Goyal et al. 2017, arXiv 1706.02677.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from normlab.spec.recipe import Recipe

# each maps the recipe, the epoch from 0 and the finished share of the run to a factor
_SHAPES: dict[str, Callable[[Recipe, int, float], float]] = {
    "constant": lambda *_: 1.0,
    "step": lambda recipe, epoch, _: recipe.step_factor ** (epoch // recipe.step_every),
    "cosine": lambda _recipe, _epoch, share: 0.5 * (1.0 + math.cos(math.pi * share)),
}


def rate_at(recipe: Recipe, rate: float, *, step: int, steps_per_epoch: int) -> float:
    r"""Learning rate that step `step` is taken with.

    $a_t = a \cdot f(t) \cdot \min(1, (t+1)/\text{warmup})$, where $f$ is 1
    (constant), $\text{factor}^{\lfloor \text{epoch}/\text{every} \rfloor}$ (step)
    or $(1+\cos(\pi t/T))/2$ (cosine) with $T$ the steps of the whole run.

    Args:
        recipe: Its `schedule`, `step_every`, `step_factor`, `warmup`, `epochs`.
        rate: The run's learning rate $a$.
        step: Steps taken so far, $t$, from 0.
        steps_per_epoch: Batches in one epoch.

    Example:
        >>> recipe = Recipe(schedule="cosine", epochs=2)
        >>> rate_at(recipe, 0.1, step=5, steps_per_epoch=5)
        0.05
    """
    share = step / (recipe.epochs * steps_per_epoch)
    shape = _SHAPES[recipe.schedule](recipe, step // steps_per_epoch, share)
    warm = min(1.0, (step + 1) / recipe.warmup) if recipe.warmup else 1.0
    return rate * shape * warm
