"""Where the network of a study comes from, in a form that can travel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from torch import nn

from normlab.base.slots import NormMaker
from normlab.errors import BadModel, BadSetting, described
from normlab.landscape.planes.networks import state_of
from normlab.nets import registry
from normlab.nets.answers import Part
from normlab.nets.beside import Beside, Weights
from normlab.nets.custom import (
    Factory,
    arguments,
    from_address,
    has_own_norms,
    offered,
    takes_norm,
)
from normlab.nets.own_norm import OwnNorm, norm_from_file
from normlab.spec.arms import Arm
from normlab.spec.model import Model
from normlab.spec.names import PYTHON
from normlab.study.built import Kept, Redrawn
from normlab.user_code import refusing


@dataclass(frozen=True)
class BuiltIn(Beside):
    """One of normlab's own networks, as `[model]` says."""

    model: Model

    @property
    def takes_norm(self) -> bool:
        """All of them are written around a norm."""
        return True

    @property
    def has_own_norms(self) -> bool:
        """None of them has."""
        return False

    def build(
        self, norm: NormMaker | None, shape: tuple[int, ...], classes: int
    ) -> nn.Module:
        """See `nets.registry.build`."""
        assert norm is not None, "they take one"
        options = self.model.chosen
        return registry.build(self.model.name, norm, shape, classes, **options)


@dataclass(frozen=True)
class FromFactory(Beside):
    """A callable given from Python: `factory(norm)`, or with shape and classes."""

    factory: Callable[..., nn.Module]

    @property
    def takes_norm(self) -> bool:
        """Whether it is to be called with a norm (`nets.custom.takes_norm`)."""
        return takes_norm(self.factory)

    @property
    def has_own_norms(self) -> bool:
        """Whether it builds norms where it is given none."""
        return has_own_norms(self.factory)

    def build(
        self, norm: NormMaker | None, shape: tuple[int, ...], classes: int
    ) -> nn.Module:
        """Call the factory with what it asks for by name, as `nets.custom` does.

        Raises:
            BadModel: If it fails or returns something else than a module.
        """
        name = getattr(self.factory, "__name__", "factory")
        called = f"{name}({'' if norm is None else 'norm'})"

        def told(error: BaseException) -> BadModel:
            if isinstance(error, BadModel):
                return BadModel(f"the model factory {name}: {error}")
            return BadModel(
                f"the model factory {called} failed with {described(error)}"
            )

        with refusing(told):
            given = arguments(self.factory, name, {}, **offered(norm, shape, classes))
            model = self.factory(*given.args, **given.kwargs)
        if not isinstance(model, nn.Module):
            raise BadModel(
                f"the model factory {called} returned a {type(model).__name__} "
                f"where a torch.nn.Module was expected. Return the network itself."
            )
        return model


NetworkSource: TypeAlias = BuiltIn | FromFactory | Factory
"""Builds the network of a study: `build(norm, shape, classes)`, around a norm or, where
it takes none, without."""


def source_of(
    model: Model, *, root: Path, given: Callable[..., nn.Module] | None = None
) -> NetworkSource:
    """The source that `model` names.

    Args:
        model: The `[model]` table of the study.
        root: Folder that a relative FILE.py starts from.
        given: The callable that stands behind the name "python".

    Raises:
        BadModel: If the model file or module cannot be read.
        BadSetting: If the model came from Python and is not given again.
    """
    if model.factory is not None:
        where = root / model.file if model.file else model.module
        return from_address(f"{where}:{model.factory}", model.options.given)
    if model.name != PYTHON:
        return BuiltIn(model)
    if given is None:
        raise BadSetting(
            "model.name = 'python' means a network made in Python, and none was "
            "given. Go on from Python: normlab.Study(model=...).resume(folder)."
        )
    if isinstance(given, nn.Module):
        return FromFactory(Kept(given) if model.weights else Redrawn(given))
    if not callable(given):
        raise BadModel(
            f"model is a {type(given).__name__}; give a network, its class, or a "
            f"function that builds it."
        )
    return FromFactory(given)


def weights_of(
    model: Model, *, root: Path, given: Mapping[str, Any] | None, network: object
) -> Weights | None:
    """What every seed starts from, if `model` says so and its network has not got it.

    Args:
        model: The `[model]` table of the study.
        root: Folder that a relative file starts from.
        given: What stands behind the name "python".
        network: What was given from Python; one that is built has its own weights.

    Raises:
        BadData: If the file cannot be read.
        BadSetting: If weights came from Python and are not given again.
    """
    if model.weights is None:
        return None
    if model.weights != PYTHON:
        path = root / model.weights
        return Weights(str(path), state_of(str(path), path))
    if given is not None:
        return Weights("weights", state_of("weights", given))
    if isinstance(network, nn.Module):
        return None
    raise BadSetting(
        "model.weights = 'python' means weights given from Python, and none were "
        "given. Go on from Python: normlab.Study(weights=...).resume(folder)."
    )


def output_of(model: Model, given: Part | None) -> Part | None:
    """Which part of an answer holds the scores, or what was given from Python.

    Raises:
        BadSetting: If it came from Python and is not given again.
    """
    if model.output != PYTHON:
        return model.output
    if given is None:
        raise BadSetting(
            "model.output = 'python' means a function given from Python, and none was "
            "given. Go on from Python: normlab.Study(model_output=...).resume(folder)."
        )
    return given


def norms_of(
    arms: Iterable[Arm], *, root: Path, given: Mapping[str, Callable[..., object]]
) -> dict[str, OwnNorm]:
    """The norms that are none of normlab's, by the arms that have them.

    Args:
        arms: Of the study.
        root: Folder that a relative FILE.py starts from.
        given: What stands behind the name "python", by arm.

    Raises:
        BadModel: If a file cannot be read, or what was given makes no norms.
        BadSetting: If a norm came from Python and is not given again.
    """
    found: dict[str, OwnNorm] = {}
    for arm in arms:
        if arm.file is not None and arm.own is not None:
            found[arm.name] = norm_from_file(str(root / arm.file), arm.own)
        elif arm.norm == PYTHON and arm.name not in given:
            raise BadSetting(
                f"arms '{arm.name}': norm = 'python' means a norm made in Python, and "
                f"none was given. Go on from Python: "
                f"normlab.Study(norm=...).resume(folder)."
            )
        elif arm.norm == PYTHON:
            found[arm.name] = OwnNorm(given[arm.name], arm.name)
    return found
