"""A study.toml from elsewhere may point only at files beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from normlab.errors import BadSetting
from normlab.spec.data import Data
from normlab.spec.model import Model

if TYPE_CHECKING:
    from normlab.spec.study import StudySpec


def is_path(source: str) -> bool:
    """Whether a data source is meant as a path rather than as a built-in name.

    Example:
        >>> is_path("mnist"), is_path("./digits"), is_path("digits.npz")
        (False, True, True)
    """
    return "/" in source or "\\" in source or "." in source or source.startswith("~")


def check_paths(spec: StudySpec, folder: Path) -> StudySpec:
    """Refuse a study whose paths leave its folder; make those inside absolute.

    Args:
        spec: As read from `folder`/study.toml, before the command line is applied:
            what a user types may point anywhere.
        folder: Where study.toml lies.

    Raises:
        BadSetting: If data.source or model.name leaves the folder, by `..`, by an
            absolute path or through a symbolic link.
    """
    data, model = spec.data, spec.model
    if is_path(data.source):
        source = _inside(folder, data.source, key="data.source")
        data = Data(**{**data.model_dump(), "source": str(source)})
    if model.file is not None:
        file = _inside(folder, model.file, key="model.name")
        model = Model(name=f"{file}:{model.factory}")
    return spec.model_copy(update={"data": data, "model": model})


def _inside(folder: Path, text: str, *, key: str) -> Path:
    home = folder.resolve()
    path = (home / text).resolve()
    if not path.is_relative_to(home):
        raise BadSetting(
            f"{key}={text!r} leaves the folder of its study.toml ({home}). Move it "
            "inside, or give it on the command line."
        )
    return path
