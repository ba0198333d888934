"""The probes of one run, by how much is to be measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from normlab.base.streams import seeded, stream
from normlab.data.batches import BatchStream
from normlab.data.feed import Feed
from normlab.probes import schedule
from normlab.probes.activations import Activations, ProbeBatch
from normlab.probes.anatomy import Anatomy, trace_modules
from normlab.probes.gradient import Gradient
from normlab.probes.outputs import Outputs
from normlab.probes.path import Path
from normlab.probes.scale import Scale
from normlab.probes.sharpness import Batch, Sharpness
from normlab.probes.snapshots import Snapshots
from normlab.probes.unmade import Unmade
from normlab.train.run_config import RunConfig
from normlab.train.step_state import Observer
from normlab.user_code import is_stop

PROBED = 512  # images of the probe batch
CURVED = 256  # images that the curvature is measured on ...
CURVED_BATCH = 64  # ... in batches of


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeContext:
    """The run that probes are made for."""

    model: nn.Module
    config: RunConfig
    shared: Sequence[str]
    snapshots: FilePath | None

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

    def curved(self) -> list[Batch]:
        """The batches that curvature is measured on; a short rest is dropped."""
        images = self.chosen(CURVED, "sharpness images")
        whole = len(images) - len(images) % min(CURVED_BATCH, len(images))
        return [self.taken(part) for part in images[:whole].split(CURVED_BATCH)]

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


def _activations(of: ProbeContext) -> Observer:
    steps = schedule.round_numbers(of.length)
    return Activations(of.anatomy, of.batch, seed=of.seed, steps=steps)


def _path(of: ProbeContext) -> Observer | None:
    if not of.weights:
        return None
    return Path(
        of.model,
        weights=of.weights,
        pairs=schedule.bursts(of.length),
        last=of.length.steps,
        momentum=math.nan if of.momentum is None else of.momentum,
    )


def _outputs(of: ProbeContext) -> Observer:
    return Outputs(of.batch.inputs, steps=schedule.denser_early(of.length))


def _snapshots(of: ProbeContext) -> Observer | None:
    if of.snapshots is None:
        return None
    return Snapshots(of.snapshots, steps=schedule.denser_early(of.length))


def _gradient(of: ProbeContext) -> Observer | None:
    if not of.weights:
        return None
    steps = schedule.log_moments(of.length)
    return Gradient(of.anatomy, weights=of.weights, steps=steps)


def _sharpness(of: ProbeContext) -> Observer | None:
    if of.momentum is None:
        return None
    steps = {of.length.steps_per_epoch, of.length.steps}
    return Sharpness(of.curved(), steps=steps, momentum=of.momentum, seed=of.seed)


def _scale(of: ProbeContext) -> Observer:
    steps = schedule.round_numbers(of.length)
    return Scale(of.anatomy.scale_invariant, steps=steps, momentum=of.momentum)


Measure = Literal["none", "light", "full"]
Maker = Callable[[ProbeContext], Observer | None]

LIGHT: tuple[Maker, ...] = (_activations,)
FULL: tuple[Maker, ...] = (
    *LIGHT,
    _path,
    _outputs,
    _snapshots,
    _gradient,
    _sharpness,
    _scale,
)
PROBES: dict[Measure, tuple[Maker, ...]] = {"none": (), "light": LIGHT, "full": FULL}


def _made(make: Maker, of: ProbeContext) -> Observer | None:
    """A probe, or one that says why there is none."""
    try:
        return make(of)
    except BaseException as error:
        if is_stop(error):
            raise
        return Unmade(make.__name__.strip("_"), error)


def observers(
    measure: Measure,
    model: nn.Module,
    config: RunConfig,
    *,
    shared: Sequence[str],
    snapshots: FilePath | None = None,
) -> list[Observer]:
    """The probes that look at one run.

    Args:
        measure: How much is to be measured.
        model: The run's network at step 0; left bit-identical.
        config: What it is trained on, and how.
        shared: Names of the tensors that all arms of the study have.
        snapshots: Folder for networks on the way; None keeps none.
    """
    context = ProbeContext(
        model=model, config=config, shared=shared, snapshots=snapshots
    )
    made = (_made(make, context) for make in PROBES[measure])
    return [observer for observer in made if observer is not None]
