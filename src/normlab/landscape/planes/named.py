"""The plane of two single parameters that the user names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from normlab.errors import BadSetting
from normlab.landscape.planes.networks import Network, read_networks
from normlab.landscape.planes.plane import Plane, Window, projected
from normlab.landscape.planes.way import marked_steps, real_networks, ways_of
from normlab.records.bare_names import matched

_MARGIN = 0.25  # of a way's longer extent, on every side
_INDEX = r"(\s*\d{1,18}\s*(,\s*\d{1,18}\s*)*,?)?\s*"
_PARTS = {"real": 1.0, "imag": 1.0j}


def named_plane(
    model: nn.Module,
    first: str,
    second: str,
    *,
    snapshots: Sequence[Network] | Mapping[str, Sequence[Network]] | None = None,
    steps: Sequence[int] | Mapping[str, Sequence[int]] = (),
) -> Plane:
    """Plane over two parameters, in the parameters' own units.

    Args:
        model: Any module.
        first: Name and index, for example `fc1.weight[3,100]`; of a complex one with
            its part, `spectrum[3].real` or `spectrum[3].imag`.
        second: The other one.
        snapshots: Networks of the way that is drawn on it, in time order; several
            ways by their names.
        steps: Step of each snapshot, rising.

    Returns:
        The plane about the model; its coordinates are changes of the two. Its facts
        `value_1` and `value_2` are what the model has, and figures show values.

    Raises:
        BadSetting: If a name or an index is not the model's, or both are one.
        BadData: If snapshots are not networks of this model.

    Example:
        >>> plane = named_plane(nn.Linear(2, 1), "weight[0,1]", "bias[0]")
        >>> plane.first["weight"]
        array([[0., 1.]], dtype=float32)
    """
    one, other = _Number.of(model, first), _Number.of(model, second)
    if one == other:
        raise BadSetting(
            f"plane: {first!r} is named twice. Name two different parameters."
        )
    plane = Plane(
        kind="parameters",
        first={one.name: one.unit(model)},
        second={other.name: other.unit(model)},
        facts={"value_1": one.value(model), "value_2": other.value(model)},
    )
    if snapshots is None:
        return plane
    return _with_way(plane, model, snapshots, steps)


class _Number(NamedTuple):
    """One real number among the parameters."""

    name: str
    place: tuple[int, ...]
    part: str

    @classmethod
    def of(cls, model: nn.Module, text: str) -> _Number:
        found = re.fullmatch(
            rf"(?P<name>[^\[\]]+)\[(?P<index>{_INDEX})\](\.(?P<part>real|imag))?",
            str(text),
            re.ASCII,
        )
        if found is None:
            raise BadSetting(
                f"plane: {text!r} does not name one parameter. Write it with its index,"
                " for example 'fc1.weight[3,100]'."
            )
        name, part = found["name"].strip(), found["part"] or ""
        parameters = dict(model.named_parameters())
        name = matched([name], parameters).get(name, name)
        if name not in parameters:
            known = ", ".join(list(parameters)[:6]) or "none"
            raise BadSetting(
                f"plane: the model has no parameter {name!r}. It has {known}"
                f"{', ...' if len(parameters) > 6 else '.'}"
            )
        tensor = parameters[name]
        index = tuple(int(one) for one in found["index"].split(",") if one.strip())
        if len(index) != tensor.ndim or any(
            i >= size for i, size in zip(index, tensor.shape, strict=False)
        ):
            raise BadSetting(
                f"plane: {text!r} is outside of {name!r}, whose shape is"
                f" {tuple(tensor.shape)}; indices count from 0."
            )
        if tensor.is_complex() and not part:
            raise BadSetting(
                f"plane: {name!r} is complex, so {text!r} is two numbers. Name one:"
                f" '{text}.real' or '{text}.imag'."
            )
        return cls(name, index, part if tensor.is_complex() else "")

    def unit(self, model: nn.Module) -> NDArray[Any]:
        """A tensor that is 1 at this number and 0 elsewhere."""
        shape = model.get_parameter(self.name).shape
        unit = np.zeros(shape, dtype=np.complex64 if self.part else np.float32)
        unit[self.place] = _PARTS.get(self.part, 1)
        return unit

    def value(self, model: nn.Module) -> float:
        """What the model has there."""
        number = model.get_parameter(self.name).detach()[self.place]
        if self.part:
            number = torch.view_as_real(number)[list(_PARTS).index(self.part)]
        return float(number)


def _with_way(plane: Plane, model: nn.Module, snapshots: Any, steps: Any) -> Plane:
    """The plane with ways on it, and a window that holds them."""
    ways = ways_of(snapshots, steps)
    networks = {name: net for way in ways for name, net in way.networks.items()}
    here = "the model"
    read = read_networks({**networks, here: model}, model=model)
    *others, held = read.weights
    seen = [projected(plane, "", place, held=held) for place in others]
    places = np.array([(mark.a, mark.b) for mark in seen])
    return replace(
        plane,
        across=_window(places[:, 0], places),
        along=_window(places[:, 1], places),
        marks=marked_steps(ways, places, [mark.off_plane for mark in seen]),
        real=real_networks(ways, read.whole[:-1]),
    )


def _window(along: NDArray[np.float64], places: NDArray[np.float64]) -> Window:
    """The way and the model with a margin; 1 on either side of one that rests."""
    margin = _MARGIN * float(np.ptp(places, axis=0).max()) or 1.0
    return min(along.min(), 0.0) - margin, max(along.max(), 0.0) + margin
