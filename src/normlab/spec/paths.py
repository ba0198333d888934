"""A study.toml from elsewhere may point only at files beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from normlab.errors import BadSetting
from normlab.spec.arms import Arm
from normlab.spec.data import Data
from normlab.spec.names import DATA, PYTHON

if TYPE_CHECKING:
    from normlab.spec.model import Model
    from normlab.spec.study import StudySpec


def is_path(source: str) -> bool:
    """Whether a data source is a path: all that is no built-in name, and no address.

    Example:
        >>> is_path("mnist"), is_path("./mnist"), is_path("photos")
        (False, True, True)
    """
    return source not in (*DATA, PYTHON) and "://" not in source


def from_anywhere(spec: StudySpec) -> StudySpec:
    """The study with its paths as they are found from every folder.

    It is resumed and repeated later, perhaps from another one. Built-in names stay.

    Example:
        >>> from normlab.spec.study import StudySpec
        >>> spec = from_anywhere(StudySpec(data=Data(source="photos")))
        >>> Path(spec.data.source).is_absolute(), spec.model.name
        (True, 'mlp')
    """
    data, model = spec.data, spec.model
    if is_path(data.source):
        data = _at(data, Path(data.source).expanduser().absolute())
    if model.file is not None:
        model = model.at(Path(model.file).expanduser().absolute())
    if model.weights not in (None, PYTHON):
        model = _with(model, Path(model.weights).expanduser().absolute())
    arms = tuple(
        _of_file(arm, Path(arm.file).expanduser().absolute()) if arm.file else arm
        for arm in spec.arms
    )
    return spec.model_copy(update={"data": data, "model": model, "arms": arms})


def check_paths(spec: StudySpec, folder: Path) -> StudySpec:
    """Refuse a study whose paths leave its folder; make those inside absolute.

    Args:
        spec: As read from `folder`/study.toml, before the command line is applied:
            what a user types may point anywhere.
        folder: Where study.toml lies.

    Raises:
        BadSetting: If data.source, model.name, model.weights or the file of a norm
            leaves the folder, by `..`, by an absolute path or through a symbolic link;
            or if the network is one of an installed module.
    """
    data, model = spec.data, spec.model
    if is_path(data.source):
        data = _at(data, _inside(folder, data.source, key="data.source"))
    if model.file is not None:
        model = model.at(_inside(folder, model.file, key="model.name"))
    if model.weights not in (None, PYTHON):
        model = _with(model, _inside(folder, model.weights, key="model.weights"))
    if model.module is not None:
        raise BadSetting(
            f"model.name={model.name!r} is imported from wherever it is installed, "
            "which a study.toml may not ask for. Give it on the command line: "
            f"--model {model.name}"
        )
    arms = tuple(
        _of_file(arm, _inside(folder, arm.file, key="arms.norm")) if arm.file else arm
        for arm in spec.arms
    )
    return spec.model_copy(update={"data": data, "model": model, "arms": arms})


def _of_file(arm: Arm, file: Path) -> Arm:
    return arm.model_copy(update={"norm": f"{file}:{arm.own}"})


def _with(model: Model, weights: Path) -> Model:
    return model.model_copy(update={"weights": str(weights)})


def _at(data: Data, path: Path) -> Data:
    return Data(**{**data.model_dump(), "source": str(path)})


def _inside(folder: Path, text: str, *, key: str) -> Path:
    home = folder.resolve()
    path = (home / text).resolve()
    if not path.is_relative_to(home):
        raise BadSetting(
            f"{key}={text!r} leaves the folder of its study.toml ({home}). Move it "
            "inside, or give it on the command line."
        )
    return path
