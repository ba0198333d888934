"""What a study is: recipe, arms and data, frozen and validated, as `study.toml`.

The names below resolve when they are first used, because pydantic alone takes a
third of the time that `normlab --help` may take.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normlab.spec.arms import Arm as Arm
    from normlab.spec.data import Data as Data
    from normlab.spec.model import Model as Model
    from normlab.spec.names import NORMS as NORMS
    from normlab.spec.nets import NETS as NETS
    from normlab.spec.paths import check_paths as check_paths
    from normlab.spec.plan import RunKey as RunKey
    from normlab.spec.recipe import Recipe as Recipe
    from normlab.spec.settings import with_settings as with_settings
    from normlab.spec.study import Execution as Execution
    from normlab.spec.study import StudySpec as StudySpec
    from normlab.spec.surfaces import Surfaces as Surfaces

_HOMES = {
    "Arm": "arms",
    "Data": "data",
    "Model": "model",
    "NETS": "nets",
    "NORMS": "names",
    "check_paths": "paths",
    "RunKey": "plan",
    "Recipe": "recipe",
    "with_settings": "settings",
    "Execution": "study",
    "StudySpec": "study",
    "Surfaces": "surfaces",
}

__all__ = [
    "NETS",
    "NORMS",
    "Arm",
    "Data",
    "Execution",
    "Model",
    "Recipe",
    "RunKey",
    "StudySpec",
    "Surfaces",
    "check_paths",
    "with_settings",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
