"""The network of each arm, built as workers will build it, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations

from torch import nn

from normlab.data.dataset import Dataset
from normlab.errors import BadModel, BadSetting
from normlab.nets.check import refuse_untrainable
from normlab.nets.custom import Factory
from normlab.spec.arms import Arm
from normlab.spec.study import StudySpec
from normlab.study.source import FromFactory, NetworkSource
from normlab.study.trial import as_sent
from normlab.study.twins import build_arm, own_digest, twin


def alone(
    spec: StudySpec, source: NetworkSource, dataset: Dataset
) -> dict[str, nn.Module]:
    """The network of each arm by itself, refused if it cannot be trained."""
    models = {}
    for arm in spec.arms:
        with _named(arm):
            models[arm.name] = build_arm(
                source,
                arm,
                seed=spec.seeds[0],
                shape=dataset.shape,
                classes=len(dataset.classes),
            )
            refuse_untrainable(models[arm.name])
    return models


def twins_of(
    spec: StudySpec, source: NetworkSource, dataset: Dataset, shared: Sequence[str]
) -> dict[str, nn.Module]:
    """The networks as workers will build them, refused if they would build others."""

    def received(arm: Arm) -> nn.Module:
        with _named(arm):
            return twin(
                source_as_sent(source),
                arm,
                spec.baseline,
                seed=spec.seeds[0],
                shape=dataset.shape,
                classes=len(dataset.classes),
                shared=shared,
            )

    models = {arm.name: received(arm) for arm in spec.arms}
    first, again = models[spec.baseline.name], received(spec.baseline)
    if first is again:
        raise BadModel(
            "the factory returns the same network each time it is called. Build it "
            "anew, or return a copy.deepcopy() of it."
        )
    if own_digest(first, ()) != own_digest(again, ()):
        raise BadModel(
            f"arm '{spec.baseline.name}': the factory makes another network each time "
            f"it is called, so arms could not start equal: it counts its calls, or "
            f"draws from a generator of its own. Use torch's default generator in it."
        )
    return models


@contextmanager
def _named(arm: Arm) -> Iterator[None]:
    """Say of which arm a network is refused."""
    try:
        yield
    except BadModel as refused:
        raise BadModel(f"arm '{arm.name}': {refused}") from None


def source_as_sent(source: NetworkSource) -> NetworkSource:
    """What is from Python as a worker receives it; a file travels as its text."""
    try:
        norms = {
            name: norm
            if isinstance(norm.given, Factory)
            else replace(norm, given=as_sent(norm.given, f"norm {name}"))
            for name, norm in source.norms.items()
        }
        output = source.output
        if callable(output):
            output = as_sent(output, "model_output")
        if isinstance(source, FromFactory):
            return replace(
                source,
                factory=as_sent(source.factory, "model"),
                norms=norms,
                output=output,
            )
        return replace(source, norms=norms, output=output)
    except BadSetting as refused:
        raise BadModel(str(refused)) from refused


def refuse_equal_arms(spec: StudySpec, models: dict[str, nn.Module]) -> None:
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
