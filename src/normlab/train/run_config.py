"""All of a run but its network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from normlab.data.dataset import Dataset
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.train.descent import OptimizerFactory
from normlab.train.evaluate import Loss


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What is trained on, how, and from which streams; all but the network."""

    key: RunKey
    recipe: Recipe
    dataset: Dataset
    device: torch.device
    loss: Loss = cross_entropy
    optimizer: OptimizerFactory | None = None
