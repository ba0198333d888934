"""Small made-up data and networks that train in a blink."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from normlab.base.streams import numpy_stream, seeded
from normlab.data.dataset import Dataset, Part
from normlab.nets.registry import build
from normlab.norms.registry import maker
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.train.run_config import RunConfig

KEY = RunKey("batch", 0.05, 3)


def dataset(n: int = 150, *, side: int = 12, classes: int = 4) -> Dataset:
    """Blurred class prototypes plus noise: learnable, not trivially so."""
    rng = numpy_stream(0, "test data")
    prototypes = rng.uniform(60, 200, (classes, 1, side, side))

    def part(count: int) -> Part:
        labels = np.arange(count, dtype=np.int64) % classes
        noisy = prototypes[labels] + rng.normal(0, 40, (count, 1, side, side))
        return Part(images=noisy.clip(0, 255).astype(np.uint8), labels=labels)

    return Dataset(
        name="made up",
        train=part(n),
        test=part(60),
        validation=None,
        classes=tuple(map(str, range(classes))),
        mean=(0.5,),
        std=(0.25,),
    )


def run_config(recipe: Recipe, *, key: RunKey = KEY) -> RunConfig:
    return RunConfig(
        key=key,
        recipe=recipe,
        dataset=dataset(),
        device=torch.device("cpu"),
    )


def network(key: RunKey = KEY, *, net: str = "mlp", dropout: float = 0.0) -> nn.Module:
    with seeded(key.seed, "init"):
        model = build(net, maker(key.arm), (1, 12, 12), 4)
    return nn.Sequential(model, nn.Dropout(dropout)) if dropout else model
