"""A plane under the names of the model that is measured on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from normlab.errors import BadModel, BadSetting
from normlab.landscape.planes.networks import arrays_of, kind_of, own_names
from normlab.landscape.planes.plane import Plane
from normlab.landscape.planes.vectors import Arrays, dot, flat
from normlab.records.bare_names import matched
from normlab.records.surface import Mark

_PARALLEL = 1e-10  # of 1 less the squared cosine; float32 rounds at 1e-14


def fitted(plane: Plane, model: nn.Module) -> Plane:
    """The same plane, its tensors called what the model calls them.

    Prefixes of wrappers are matched, tied tensors have one name, and buffers that the
    plane does not move are left out. A network that was really there has a loss of
    its own only with its buffers: one that lacks some is left out too, but for the
    model itself, which is written as no tensors at all.

    Raises:
        BadModel: If the plane moves a buffer of the model.
        BadSetting: If the plane is none: it holds no arrays of numbers, a direction
            moves nothing, both are parallel, or values are not finite.
    """
    own, plane = own_names(model), _read(plane)
    plane.refuse_window()
    plane = replace(
        plane,
        origin=_of_parameters(plane.origin, plane, own, model),
        first=_of_parameters(plane.first, plane, own, model),
        second=_of_parameters(plane.second, plane, own, model),
        real={
            name: state
            for name, one in plane.real.items()
            if (state := _whole(_renamed(one, own), model)) is not None
        },
    )
    parameters = dict(model.named_parameters())
    if all(map(partial(_fits, parameters), (plane.first, plane.second))):
        _refuse_degenerate(plane, parameters)
    return plane  # one of another model is refused by name, where it is moved


def _fits(parameters: Mapping[str, nn.Parameter], direction: Arrays) -> bool:
    return all(
        name in parameters
        and tuple(parameters[name].shape) == np.shape(array)
        and (parameters[name].is_complex() or not np.iscomplexobj(array))
        for name, array in direction.items()
    )


def _read(plane: Plane) -> Plane:
    """The same plane with arrays of numbers; tensors may have been given.

    Raises:
        BadSetting: If a part of it is not what it should be.
    """
    parts = {part: getattr(plane, part) for part in ("origin", "first", "second")}
    marks = isinstance(plane.marks, tuple | list) and all(
        isinstance(mark, Mark) for mark in plane.marks
    )
    fit = {
        "kind": isinstance(plane.kind, str),
        "marks": marks,
        "facts": isinstance(plane.facts, Mapping),
        "real": isinstance(plane.real, Mapping),
        **{part: isinstance(arrays, Mapping) for part, arrays in parts.items()},
    }
    odd = next((part for part, fits in fit.items() if not fits), None)
    if odd is not None:
        found = kind_of(getattr(plane, odd))
        raise BadSetting(
            f"plane: {odd} is {found}, not what the help of normlab's Plane says."
        )
    read = {part: arrays_of(f"plane: {part}", one) for part, one in parts.items()}
    real = {n: arrays_of(f"plane: real {n!r}", one) for n, one in plane.real.items()}
    return replace(plane, **read, real=real, marks=tuple(plane.marks))


def _of_parameters(
    arrays: Arrays, plane: Plane, own: Mapping[str, str], model: nn.Module
) -> Arrays:
    """Without buffers, which no plane moves."""
    renamed = _renamed(arrays, own)
    buffers = {name for name, _ in model.named_buffers()}
    if not buffers & renamed.keys():
        return renamed
    for directions in (plane.first, plane.second):
        for name, array in _renamed(directions, own).items():
            if name in buffers and np.any(array):
                raise BadModel(
                    f"surface: the plane moves {name!r}, a buffer of the model. Make"
                    " it with model=, so that it holds the parameters alone."
                )
    return {name: array for name, array in renamed.items() if name not in buffers}


def _renamed(arrays: Mapping[str, Any], own: Mapping[str, str]) -> dict[str, Any]:
    """Unknown names stay, and are refused where they are used."""
    names = matched(arrays.keys(), own)
    return {own.get(names.get(n, n), n): array for n, array in arrays.items()}


def _whole(state: dict[str, Any], model: nn.Module) -> dict[str, Any] | None:
    """None for a network of this model that lacks some of its buffers.

    Whole numbers that the model does not know are counters of who kept it.
    """
    kept = model.state_dict()
    state = {n: a for n, a in state.items() if n in kept or a.dtype.kind in "fc"}
    shapes = {name: tuple(kept[name].shape) for name in state if name in kept}
    of_this_model = all(shapes.get(n) == np.shape(array) for n, array in state.items())
    buffers = {n for n, b in model.named_buffers() if b.is_floating_point()}
    lacking = (buffers & kept.keys()) - state.keys()
    return None if state and of_this_model and lacking else state


def _refuse_degenerate(plane: Plane, parameters: Mapping[str, nn.Parameter]) -> None:
    first, second = (
        {
            # along the real axis of a complex parameter, too
            name: flat(array + 0j if parameters[name].is_complex() else array)
            for name, array in direction.items()
        }
        for direction in (plane.first, plane.second)
    )
    lengths = dot(first, first), dot(second, second)
    sums = [np.sum(flat(array)) for array in plane.origin.values()]
    if not np.isfinite([*lengths, *sums]).all():
        raise BadSetting("plane: it holds values that are not finite.")
    if not lengths[0]:
        raise BadSetting("plane: its first direction moves nothing, so it is none.")
    if plane.is_line:
        return
    if not lengths[1]:
        raise BadSetting(
            "plane: its second direction moves nothing. For a line set along=(0, 0)."
        )
    both = {name: array for name, array in first.items() if name in second}
    if 1 - dot(both, second) ** 2 / (lengths[0] * lengths[1]) < _PARALLEL:
        raise BadSetting(
            "plane: its directions are parallel, which span a line. For a line set"
            " along=(0, 0)."
        )
