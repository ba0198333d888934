"""The plane on which both twins can be seen: through their start and their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from normlab.errors import BadData
from normlab.landscape.planes.networks import Network, kind_of, read_networks
from normlab.landscape.planes.plane import Plane, Window
from normlab.landscape.planes.vectors import Arrays, dot, flat, length, shaped
from normlab.records.surface import Mark

_MARGIN = 0.35  # of the triangle's extent: the bowl around an end shall be seen


class Triangle(NamedTuple):
    """The plane of three points: the origin, one on its first axis, and another."""

    first: dict[str, NDArray[Any]]
    second: dict[str, NDArray[Any]]
    base: float
    """Coordinate of the one along the first direction."""
    shadow: float
    """Coordinate of the other along the first direction."""
    height: float
    """Coordinate of the other along the second direction."""

    @property
    def across(self) -> Window:
        """All three with a margin."""
        return _window(0.0, self.base, self.shadow)

    @property
    def along(self) -> Window:
        """Likewise."""
        return _window(0.0, self.height)


def common_plane(
    start: Network,
    ends: Mapping[str, Network],
    *,
    shared: Sequence[str] | None = None,
) -> Plane:
    r"""Plane through the common start and the end points of two twins.

    With $u = w_A - w_0$ and $v = w_B - w_0$ over the shared weights, the directions
    are $u/\lVert u\rVert$ and the part of $v$ orthogonal to $u$, of length 1. The
    origin is the common start. The plane names the shared weights only: each twin
    is measured on it with its own other parameters, which the model passed to the
    measurement holds, so the marked start's loss on the plane is not its real one.

    Args:
        start: The network at step 0: a module, a state_dict, or arrays by name.
        ends: Arm's name to its network at the end, two arms.
        shared: Names of the weights that both arms have; None takes the parameters
            that all three have in the same shape.

    Raises:
        BadData: If there are not two arms, a name is missing, or the three points
            lie on one line.

    Example:
        >>> places = [0.0, 0.0], [3.0, 0.0], [1.0, 2.0]
        >>> start, one, other = ({"w": np.array(place)} for place in places)
        >>> plane = common_plane(start, {"none": one, "batch": other})
        >>> [(mark.name, mark.a, mark.b) for mark in plane.marks]
        [('start', 0.0, 0.0), ('end none', 3.0, 0.0), ('end batch', 1.0, 2.0)]
    """
    if not isinstance(ends, Mapping):
        raise BadData(
            f"common plane: {kind_of(ends)} is no two ends by name. Give"
            " {'none': network, 'batch': network}."
        )
    if len(ends) != 2:
        raise BadData(f"common plane: {len(ends)} arms given, it takes two.")
    networks = {
        where: _tensors(where, network)
        for where, network in {"start": start, **ends}.items()
    }
    if shared is None:
        shared = _common_names(list(networks.values()))
    for where, arrays in networks.items():
        missing = [name for name in shared if name not in arrays]
        if missing:
            raise BadData(f"common plane: {where!r} has no weight {missing[0]!r}.")
    read = read_networks(
        {
            f"common plane: {where}": {name: arrays[name] for name in shared}
            for where, arrays in networks.items()
        }
    )
    origin, one, other = read.weights
    found = triangle(origin, one, other)
    if found is None:
        raise BadData(
            "common plane: the start and the two ends lie on one line, which spans"
            " no plane. Draw the random plane."
        )
    names = [f"end {arm}" for arm in ends]
    return Plane(
        kind="common",
        origin=read.under_every_name(origin),
        first=read.under_every_name(found.first),
        second=read.under_every_name(found.second),
        across=found.across,
        along=found.along,
        marks=corners(found, ("start", *names)),
    )


def triangle(origin: Arrays, one: Arrays, other: Arrays) -> Triangle | None:
    """The plane of three points in weight space; None if they lie on one line.

    Its directions have length 1 and are orthogonal; `one` lies on the first.
    """
    u, v = (
        {name: flat(point[name]) - flat(origin[name]) for name in origin}
        for point in (one, other)
    )
    base = length(u)
    first = {name: array / (base or 1.0) for name, array in u.items()}
    shadow = dot(v, first)
    rest = {name: array - shadow * first[name] for name, array in v.items()}
    height = length(rest)
    if base == 0 or min(base, height) <= 1e-6 * length(v):
        return None
    return Triangle(
        first={n: shaped(d, origin[n]) for n, d in first.items()},
        second={n: shaped(d / height, origin[n]) for n, d in rest.items()},
        base=base,
        shadow=shadow,
        height=height,
    )


def corners(found: Triangle, names: Sequence[str]) -> tuple[Mark, ...]:
    """Marks at the three points."""
    places = (0.0, 0.0), (found.base, 0.0), (found.shadow, found.height)
    return tuple(
        Mark(name=name, a=a, b=b) for name, (a, b) in zip(names, places, strict=True)
    )


def _tensors(where: str, network: Network) -> Arrays:
    """By itself, for twins have different networks; modules without their buffers."""
    read = read_networks({f"common plane: {where}": network})
    weights = isinstance(network, nn.Module)
    return read.weights[0] if weights else read.whole[0]


def _common_names(networks: Sequence[Arrays]) -> list[str]:
    first, *others = networks
    return [
        name
        for name, array in first.items()
        if all(name in o and np.shape(o[name]) == np.shape(array) for o in others)
    ]


def _window(*places: float) -> Window:
    low, high = min(places), max(places)
    margin = _MARGIN * (high - low)
    return float(low - margin), float(high + margin)
