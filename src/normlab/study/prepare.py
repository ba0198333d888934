"""Everything that is checked before a study writes or trains anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from normlab.base.hold import preserved
from normlab.data.arrays import from_given
from normlab.data.batches import BatchStream
from normlab.data.dataset import Dataset
from normlab.data.describe import described
from normlab.data.load import load
from normlab.errors import BadModel, BadSetting
from normlab.nets.check import check_model
from normlab.nets.custom import one_line
from normlab.spec.data import Data
from normlab.spec.names import PYTHON
from normlab.spec.point import Point
from normlab.spec.study import StudySpec
from normlab.spec.sweep import at
from normlab.study.device import device_called
from normlab.study.source import Source, source_of
from normlab.study.trial import try_step
from normlab.study.twins import build_arm, network_digest, shared_tensors
from normlab.train.descent import OptimizerFactory
from normlab.train.evaluate import Loss

HELD_OUT = 5_000  # images to choose rates by, unless the study says how many


@dataclass(frozen=True, kw_only=True)
class PythonParts:
    """What a study was given from Python and no study.toml can hold."""

    data: Any = None
    model: Callable[..., nn.Module] | None = None
    optimizer: OptimizerFactory | None = None
    loss: Loss = cross_entropy


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A study at one point of its sweep: what its networks are and share."""

    spec: StudySpec
    source: Source
    shared: tuple[str, ...]
    parameters: Mapping[str, int]
    """Of each arm's network."""
    networks: Mapping[str, str]
    """Digest of each arm's network at step 0 of the first seed."""
    batches: BatchStream
    """Of the first seed; all seeds have as many."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A study that can be trained: its data, its networks, its devices."""

    spec: StudySpec
    dataset: Dataset
    variants: Mapping[Point, Variant]
    device: torch.device
    python: PythonParts

    @cached_property
    def data(self) -> dict[str, Any]:
        """What the data are, as a study notes it (see `data.describe`)."""
        return described(self.dataset)

    @property
    def source(self) -> Source:
        """Where the networks come from; a model file is the same at all points."""
        return next(iter(self.variants.values())).source


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
    there = {point: at(spec, point) for point in spec.sweep.points}
    sources = {
        variant.model: source_of(variant.model, root=root, given=python.model)
        for variant in there.values()
    }
    spare = HELD_OUT if len(spec.recipe.rates) > 1 else 0
    dataset = _dataset(spec.data, root=root, given=python.data, spare=spare)
    return Prepared(
        spec=spec,
        dataset=dataset,
        variants={
            point: _variant(
                variant, sources[variant.model], dataset, python=python, device=device
            )
            for point, variant in there.items()
        },
        device=device,
        python=python,
    )


def _variant(
    spec: StudySpec,
    source: Source,
    dataset: Dataset,
    *,
    python: PythonParts,
    device: torch.device,
) -> Variant:
    """Build and try the networks of one point of the sweep."""
    models = _each_arm(spec, source, dataset)
    _refuse_equal_arms(spec, models)
    shared = shared_tensors(list(models.values()))
    if not shared:
        raise BadModel(
            f"arms {', '.join(models)} have no tensor of equal name and shape, so "
            f"nothing could be compared. Let the factory differ in its norms alone."
        )
    batches = BatchStream(
        len(dataset.train),
        batch_size=spec.recipe.batch_size,
        seed=spec.seeds[0],
        last_batch=spec.recipe.last_batch,
    )
    _check_last_batch(batches, models, spec=spec, dataset=dataset)
    networks = {name: network_digest(model) for name, model in models.items()}
    for model in models.values():
        try_step(
            model,
            dataset,
            loss=python.loss,
            optimizer=python.optimizer if spec.recipe.optimizer == PYTHON else None,
            rate=spec.recipe.rates[0],
            batch_size=spec.recipe.batch_size,
            device=device,
        )
    return Variant(
        spec=spec,
        source=source,
        shared=shared,
        parameters={
            name: sum(tensor.numel() for tensor in model.parameters())
            for name, model in models.items()
        },
        networks=networks,
        batches=batches,
    )


def _dataset(spec: Data, *, root: Path, given: Any, spare: int) -> Dataset:
    """The data that `spec` names, or what was given in its place."""
    if given is None:
        return load(spec, root=root, spare=spare)
    return from_given(given, spec=spec, spare=spare)


def _each_arm(
    spec: StudySpec, source: Source, dataset: Dataset
) -> dict[str, nn.Module]:
    shape, classes = dataset.shape, len(dataset.classes)
    models = {}
    for arm in spec.arms:
        try:
            model = build_arm(
                source, arm, seed=spec.seeds[0], shape=shape, classes=classes
            )
            check_model(model, shape, classes)
        except BadModel as refused:
            raise BadModel(f"arm '{arm.name}': {refused}") from None
        models[arm.name] = model
    return models


def _refuse_equal_arms(spec: StudySpec, models: dict[str, nn.Module]) -> None:
    """Refuse a factory that builds the same network whatever norm it is given."""
    anatomy = {
        name: [(path, repr(module)) for path, module in model.named_modules()]
        for name, model in models.items()
    }
    for one, other in combinations(spec.arms, 2):
        if one.norm != other.norm and anatomy[one.name] == anatomy[other.name]:
            raise BadModel(
                f"arms '{one.name}' and '{other.name}' are the same network, so there "
                f"is nothing to compare. Call norm(features) in the factory where the "
                f"norm goes."
            )


def _check_last_batch(
    batches: BatchStream,
    models: dict[str, nn.Module],
    *,
    spec: StudySpec,
    dataset: Dataset,
) -> None:
    """Refuse, before training, a last batch that batch norm cannot train on."""
    if batches.last_size > 1:
        return
    example = torch.zeros(batches.last_size, *dataset.shape)
    for name, model in models.items():
        with preserved(model), torch.no_grad():
            try:
                model.train()(example)
            except ValueError as error:
                size, images = spec.recipe.batch_size, len(dataset.train)
                if size == 1:
                    what = "a batch of 1 is what"
                    remedy = "Use a batch size of 2 or more."
                else:
                    what = f"{images} training images leave a last batch of 1, which"
                    remedy = "Use --last-batch drop, or another batch size."
                raise BadSetting(
                    f"recipe.batch_size = {size}: {what} arm '{name}' cannot be "
                    f"trained on ({one_line(error)}). {remedy}"
                ) from None
