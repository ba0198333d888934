"""The run that probes are made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from normlab.base.streams import seeded, stream
from normlab.data.batches import BatchStream
from normlab.data.feed import Feed
from normlab.probes import schedule
from normlab.probes.anatomy import Anatomy, trace_modules
from normlab.train.run_config import RunConfig

PROBED = 512  # images of the probe batch

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeBatch:
    """Training images that a probe looks at again and again."""

    images: Tensor  # (n,), their numbers in the training part
    inputs: Tensor  # (n, ...), as the network sees them
    labels: Tensor  # (n,)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeContext:
    """A run before its first step, and what several probes ask of it."""

    model: nn.Module
    config: RunConfig
    shared: Sequence[str]
    snapshots: Path | None
    levels: Path | None = None

    @property
    def seed(self) -> int:
        """Of the run; probes' streams carry names of their own."""
        return self.config.key.seed

    @cached_property
    def length(self) -> schedule.Length:
        """How long it is planned to be."""
        recipe = self.config.recipe
        batches = BatchStream(
            len(self.config.dataset.train),
            batch_size=recipe.batch_size,
            seed=self.seed,
            last_batch=recipe.last_batch,
        )
        return schedule.Length(
            steps_per_epoch=batches.steps_per_epoch, epochs=recipe.epochs
        )

    @cached_property
    def anatomy(self) -> Anatomy:
        """What there is to look at, found with the first images."""
        few = self.taken(torch.arange(min(4, len(self.config.dataset.train))))[0]
        device = next(self.model.parameters()).device
        with seeded(self.seed, "anatomy"):
            return trace_modules(self.model, few.to(device))

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """The shared weight tensors, in order of first use."""
        return self.anatomy.weights(self.shared, self.model)

    @cached_property
    def batch(self) -> ProbeBatch:
        """The probe batch: the same images for all arms of a seed."""
        images = self.chosen(PROBED, "probe batch")
        inputs, labels = self.taken(images)
        return ProbeBatch(images=images, inputs=inputs, labels=labels)

    def batches(self, count: int, size: int, purpose: str) -> list[Batch]:
        """Training images drawn by address, in batches; a short rest is dropped."""
        images = self.chosen(count, purpose)
        whole = len(images) - len(images) % min(size, len(images))
        return [self.taken(part) for part in images[:whole].split(size)]

    def chosen(self, count: int, purpose: str) -> Tensor:
        """Numbers of training images, drawn by address."""
        train = self.config.dataset.train
        return torch.randperm(len(train), generator=stream(self.seed, purpose))[:count]

    def taken(self, images: Tensor) -> Batch:
        """These training images and their labels, as the network is given them."""
        dataset, numbers = self.config.dataset, images.numpy()
        part = dataset.train.chosen(np.asarray(numbers))
        feed = Feed(part, dataset.mean, dataset.std, self.config.device)
        return feed.take(torch.arange(len(part)))

    @property
    def momentum(self) -> float | None:
        """Of SGD; None for any other optimizer."""
        recipe = self.config.recipe
        return recipe.momentum if recipe.optimizer == "sgd" else None
