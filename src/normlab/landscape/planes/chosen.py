"""What `plane=` may be: from what a user writes to a plane of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from normlab.errors import BadSetting
from normlab.landscape.planes.fitted import fitted
from normlab.landscape.planes.models import models_plane
from normlab.landscape.planes.named import named_plane
from normlab.landscape.planes.networks import Network
from normlab.landscape.planes.plane import Plane
from normlab.landscape.planes.random import random_plane
from normlab.landscape.planes.weight_files import names_file

PlaneLike = str | tuple[str, str] | Plane | Sequence[Network] | Mapping[str, Network]
"""`"random"`, two parameters by name, two or three networks or files, or a plane."""


def chosen_plane(model: nn.Module, plane: object, *, seed: int) -> Plane:
    """The plane that is meant, under the model's names.

    Raises:
        BadSetting: If it is none.
        BadModel: If it is none of this model.
        BadData: If the networks that span it do not go together.
    """
    return fitted(_made(model, plane, seed), model)


def _made(model: nn.Module, plane: Any, seed: int) -> Plane:
    if isinstance(plane, Plane):
        return plane
    if isinstance(plane, str) and plane == "random":
        return random_plane(model, seed=seed)
    if isinstance(plane, tuple | list) and len(plane) == 2:
        first, second = plane
        if all(isinstance(n, str) and not names_file(n) for n in plane):
            return named_plane(model, first, second)
    if isinstance(plane, tuple | list | Mapping) and plane:
        networks = plane.values() if isinstance(plane, Mapping) else plane
        if all(isinstance(n, nn.Module | Mapping) or names_file(n) for n in networks):
            return models_plane(plane, model=model)
    raise BadSetting(
        f"plane={_shown(plane)} is unknown. Use 'random', a pair such as"
        " ('fc1.weight[3,100]', 'fc2.weight[0,5]'), two or three networks or their"
        " files, or a plane made by path_plane, common_plane or random_plane."
    )


def _shown(plane: object) -> str:
    """Short, where a network or its weights were given."""
    if isinstance(plane, str | int | float | bool | None):
        return repr(plane)
    if isinstance(plane, tuple | list) and len(plane) <= 4:
        return f"({', '.join(map(_shown, plane))})"
    return f"a {type(plane).__name__}"
