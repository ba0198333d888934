"""Everything that is checked before a study writes or trains anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from normlab.data.arrays import from_given
from normlab.data.batches import BatchStream
from normlab.data.dataset import Dataset
from normlab.data.describe import described
from normlab.data.load import load
from normlab.errors import BadModel, BadSetting
from normlab.nets.answers import Part
from normlab.spec.data import Data
from normlab.spec.names import PYTHON
from normlab.spec.point import SweepPoint
from normlab.spec.study import StudySpec
from normlab.study.arms_built import (
    alone,
    refuse_equal_arms,
    source_as_sent,
    twins_of,
)
from normlab.study.device import device_called
from normlab.study.differences import Told, told
from normlab.study.jobs import JobContext
from normlab.study.source import (
    BuiltIn,
    NetworkSource,
    norms_of,
    output_of,
    source_of,
    weights_of,
)
from normlab.study.trial import TrainingTrial, as_sent
from normlab.study.twins import (
    network_digest,
    own_digest,
    shared_tensors,
)
from normlab.train.descent import OptimizerFactory
from normlab.train.evaluate import Loss
from normlab.user_code import placing

FEW = 32  # images of a batch that normlab's own networks are tried on
HELD_OUT = 5_000  # images to choose rates by, unless the study says how many


@dataclass(frozen=True, kw_only=True)
class PythonParts:
    """What a study was given from Python and no study.toml can hold."""

    data: Any = None
    model: Callable[..., nn.Module] | None = None
    weights: Mapping[str, Any] | None = None
    """What every seed starts from."""
    model_output: Part | None = None
    """Takes the scores out of an answer."""
    optimizer: OptimizerFactory | None = None
    loss: Loss = cross_entropy
    norms: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """By arm."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A study at one point of its sweep: what its networks are and share."""

    spec: StudySpec
    source: NetworkSource
    shared: tuple[str, ...]
    parameters: Mapping[str, int]
    """Of each arm's network."""
    networks: Mapping[str, str]
    """Digest of each arm's network by itself, at step 0 of the first seed."""
    starts: Mapping[str, str]
    """The same of what it starts from as a twin, with what no state_dict holds."""
    moved: tuple[str, ...]
    """Arms that would start from other numbers if they drew by themselves."""
    told: Told
    """What readers must know of the networks."""
    batches: BatchStream
    """Of the first seed; all seeds have as many."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A study that can be trained: its data, its networks, its devices."""

    spec: StudySpec
    dataset: Dataset
    variants: Mapping[SweepPoint, Variant]
    device: torch.device
    python: PythonParts

    @cached_property
    def data(self) -> dict[str, Any]:
        """What the data are, as a study notes it (see `data.describe`)."""
        return described(self.dataset)

    @property
    def source(self) -> NetworkSource:
        """Where the networks come from; a model file is the same at all points."""
        return next(iter(self.variants.values())).source

    def contexts(self, data: Path) -> dict[SweepPoint, JobContext]:
        """What jobs are told at each point, where the data lie in the folder `data`."""
        return {
            point: JobContext(
                spec=variant.spec,
                source=variant.source,
                data=data,
                live=self.dataset.live,
                shared=variant.shared,
                device=str(self.device),
                loss=self.python.loss,
                optimizer=self.python.optimizer,
            )
            for point, variant in self.variants.items()
        }


@placing()
def prepare(spec: StudySpec, *, root: Path, python: PythonParts) -> Prepared:
    """Read the data, build every arm once and try it; write nothing.

    Args:
        spec: The study.
        root: Folder that relative paths of `spec` start from.
        python: What stands behind the name "python".

    Raises:
        BadSetting: A setting does not fit the data or the machine, or a loss or
            optimizer given from Python fails.
        BadData: The data cannot be used.
        BadModel: A network cannot be built, fails, or has the wrong output.
    """
    device = device_called(spec.execution.device)
    if spec.recipe.optimizer == PYTHON and python.optimizer is None:
        raise BadSetting(
            "recipe.optimizer = 'python' means an optimizer made in Python, and none "
            "was given. Name sgd, adam or adamw, or pass optimizer=... from Python."
        )
    there = {point: spec.at(point) for point in spec.sweep.points}
    norms = norms_of(spec.arms, root=root, given=python.norms)
    weights = weights_of(
        spec.model, root=root, given=python.weights, network=python.model
    )
    sources = {
        model: source_as_sent(
            replace(
                source_of(model, root=root, given=python.model),
                norms=norms,
                weights=weights,
                output=output_of(model, python.model_output),
            )
        )
        for model in {variant.model: None for variant in there.values()}
    }
    tried = replace(
        python,
        loss=as_sent(python.loss, "loss"),
        optimizer=python.optimizer and as_sent(python.optimizer, "optimizer"),
    )
    spare = HELD_OUT if len(spec.recipe.rates) > 1 else 0
    dataset = _dataset(spec.data, root=root, given=python.data, spare=spare)
    variants: dict[SweepPoint, Variant] = {}
    alike: dict[tuple[object, ...], Variant] = {}
    for point, variant in there.items():
        what = told_apart(variant)
        if what not in alike:
            alike[what] = _variant(
                variant, sources[variant.model], dataset, python=tried, device=device
            )
        variants[point] = replace(alike[what], spec=variant)
    return Prepared(
        spec=spec,
        dataset=dataset,
        variants=variants,
        device=device,
        python=python,
    )


def told_apart(spec: StudySpec) -> tuple[object, ...]:
    """What networks and their trial depend on of all that can be swept.

    A sweep of 1,000 values of weight decay tries each network once, not 1,000 times.
    """
    recipe = spec.recipe
    return spec.model, recipe.optimizer, recipe.batch_size, recipe.last_batch


def _variant(
    spec: StudySpec,
    source: NetworkSource,
    dataset: Dataset,
    *,
    python: PythonParts,
    device: torch.device,
) -> Variant:
    """Build and try the networks of one point of the sweep."""
    batches = BatchStream(
        len(dataset.train),
        batch_size=spec.recipe.batch_size,
        seed=spec.seeds[0],
        last_batch=spec.recipe.last_batch,
    )
    single = alone(spec, source_as_sent(source), dataset)
    refuse_equal_arms(spec, single)
    shared = shared_tensors(list(single.values()))
    if not shared:
        raise BadModel(
            f"arms {', '.join(single)} have no tensor of equal name and shape, so "
            f"nothing could be compared. Let the factory differ in its norms alone."
        )
    twins = twins_of(spec, source, dataset, shared)
    starts = {name: own_digest(model, ()) for name, model in twins.items()}
    moved = tuple(
        name
        for name, model in twins.items()
        if own_digest(single[name], shared) != own_digest(model, shared)
        and name != spec.baseline.name
    )
    trial = TrainingTrial(
        dataset=dataset,
        recipe=spec.recipe,
        batches=batches,
        device=device,
        loss=python.loss,
        optimizer=python.optimizer if spec.recipe.optimizer == PYTHON else None,
        most=FEW if isinstance(source, BuiltIn) else None,
    )
    seen = {name: trial.of(model, name) for name, model in twins.items()}
    return Variant(
        spec=spec,
        source=source,
        shared=shared,
        parameters={
            name: sum(tensor.numel() for tensor in model.parameters())
            for name, model in twins.items()
        },
        networks={name: network_digest(model) for name, model in single.items()},
        starts=starts,
        moved=moved,
        told=told(spec, source, twins, seen),
        batches=batches,
    )


def _dataset(spec: Data, *, root: Path, given: Any, spare: int) -> Dataset:
    """The data that `spec` names, or what was given in its place."""
    if given is None:
        return load(spec, root=root, spare=spare)
    return from_given(given, spec=spec, spare=spare)
