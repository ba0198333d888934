"""In which order runs are given to the workers: long ones first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from normlab.spec.plan import RunKey
from normlab.spec.point import SweepPoint

if TYPE_CHECKING:
    from normlab.study.prepare import Variant

# What a step costs beside its images, in units of one parameter and one image:
# calls of torch cost as much as 4 million, and the update touches every parameter
# about six times (the reference network here: 0.5 ms of the 4 ms of a step).
PER_STEP = 4e6
PER_PARAMETER = 6
# Runs whose costs differ by less keep the order of the plan, twins side by side.
CLASS = 1.5


def longest_first(
    starts: Mapping[RunKey, int], variants: Mapping[SweepPoint, Variant], epochs: int
) -> list[RunKey]:
    """The runs by falling cost, equals in the order in which they come.

    A long run that starts last keeps one worker busy while the others have nothing
    left to do. Of equal runs of a seed, those at large rates come last: they may
    diverge, and then they are short. Every other seed takes its arms in the opposite
    order: two workers would else get an arm each, and one would end long before.

    Args:
        starts: Every run that is still to be done, with its finished epochs.
        variants: The networks and batches of every point.
        epochs: Of a whole run.
    """
    order = {seed: at for at, seed in enumerate(dict.fromkeys(k.seed for k in starts))}
    arms = {arm: at for at, arm in enumerate(dict.fromkeys(k.arm for k in starts))}

    def turn(key: RunKey) -> tuple[int, int, float, int]:
        left = (epochs - starts[key]) * step_cost(key, variants[key.point])
        cost = round(math.log(max(left, 1)) / math.log(CLASS))
        seed, arm = order[key.seed], arms[key.arm]
        return -cost, seed, key.rate, -arm if seed % 2 else arm

    return sorted(starts, key=turn)  # stable


def step_cost(key: RunKey, variant: Variant) -> float:
    """Steps of an epoch times what one costs, in parameters times images."""
    images = variant.spec.recipe.batch_size
    parameters = variant.parameters[key.arm]
    step = parameters * (images + PER_PARAMETER) + PER_STEP
    return variant.batches.steps_per_epoch * step
