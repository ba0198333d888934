"""The plane of two single parameters that the user names."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from torch import nn

from normlab.errors import BadSetting
from normlab.landscape.plane import Plane


def named_plane(model: nn.Module, first: str, second: str) -> Plane:
    """Plane over two parameters, in the parameters' own units.

    Args:
        model: Any module.
        first: Name and index, for example `fc1.weight[3,100]`.
        second: The other one.

    Raises:
        BadSetting: If a name or an index is not the model's, or both are one.

    Example:
        >>> plane = named_plane(nn.Linear(2, 1), "weight[0,1]", "bias[0]")
        >>> plane.first["weight"]
        array([[0., 1.]], dtype=float32)
    """
    (name, one), (other, two) = (_unit(model, text) for text in (first, second))
    if name == other and np.array_equal(one, two):
        raise BadSetting(
            f"plane: {first!r} is named twice. Name two different parameters."
        )
    return Plane(kind="parameters", first={name: one}, second={other: two})


def _unit(model: nn.Module, text: str) -> tuple[str, NDArray[np.floating]]:
    """The tensor's name, and a tensor that is 1 at the index and 0 elsewhere."""
    found = re.fullmatch(r"(?P<name>[^\[\]]+)\[(?P<index>[\d,\s]*)\]", str(text))
    if found is None:
        raise BadSetting(
            f"plane: {text!r} does not name one parameter. Write it with its index,"
            " for example 'fc1.weight[3,100]'."
        )
    name = found["name"].strip()
    parameters = dict(model.named_parameters())
    if name not in parameters:
        known = ", ".join(list(parameters)[:6]) or "none"
        raise BadSetting(
            f"plane: the model has no parameter {name!r}. It has {known}"
            f"{', ...' if len(parameters) > 6 else '.'}"
        )
    tensor = parameters[name]
    index = tuple(int(part) for part in found["index"].split(",") if part.strip())
    if len(index) != tensor.ndim or any(
        i >= size for i, size in zip(index, tensor.shape, strict=False)
    ):
        raise BadSetting(
            f"plane: {text!r} is outside of {name!r}, whose shape is"
            f" {tuple(tensor.shape)}; indices count from 0."
        )
    unit = np.zeros(tensor.shape, dtype=np.float32)
    unit[index] = 1
    return name, unit
