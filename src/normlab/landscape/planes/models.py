"""The line between two networks, and the plane through three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import nn

from normlab.errors import BadData
from normlab.landscape.planes.common import corners, triangle
from normlab.landscape.planes.networks import (
    Network,
    Networks,
    kept,
    kind_of,
    read_networks,
)
from normlab.landscape.planes.plane import Plane
from normlab.landscape.planes.vectors import flat, length, shaped
from normlab.landscape.planes.weight_files import names_file, short_names
from normlab.records.surface import Mark

_NAMES = "ABC"


def models_plane(
    models: Mapping[str, Network] | Sequence[Network],
    *,
    model: nn.Module | None = None,
) -> Plane:
    r"""The line between two networks, or the plane through three.

    The line is $w_A + a\,(w_B - w_A)$, so that $a$ is 0 at the first network and 1 at
    the second. On the plane the origin is the first network, the second one lies on
    the first direction, and coordinates are distances between weights. Each network
    is marked, and where it has its buffers too its loss is measured as it really is.

    Args:
        models: Two or three networks by the names of their marks, or in a list, then
            called A, B and C: modules, state_dicts as `torch.load` returns them,
            arrays by name, or files of weights, which a list calls by their names.
        model: Whose parameters these are; needed only where none of them is a module.

    Returns:
        The plane; of two networks a line, along which a surface has one row. Its
        fact `distance` is that between the weights.

    Raises:
        BadData: If there are not two or three, they are not of one model, or they lie
            on one point or on one line.

    Example:
        >>> line = models_plane({"here": nn.Linear(2, 1), "there": nn.Linear(2, 1)})
        >>> line.is_line, [(mark.name, mark.a) for mark in line.marks]
        (True, [('here', 0.0), ('there', 1.0)])

    Source: the line as in Goodfellow, Vinyals and Saxe 2015, arXiv 1412.6544; the
    plane as in Garipov et al. 2018, arXiv 1802.10026.
    """
    named = _named(models)
    read = read_networks(named, model=model)
    real = dict(zip(named, map(kept, read.whole), strict=True))
    make = _line if len(named) == 2 else _plane
    return replace(make(tuple(named), read), real=real)


def _named(
    models: Mapping[str, Network] | Sequence[Network],
) -> dict[str, Network]:
    if not isinstance(models, Mapping | list | tuple):
        raise BadData(
            f"plane: {kind_of(models)} is no list of networks. Give two or"
            " three, in a list or by their names."
        )
    if len(models) not in (2, 3):
        raise BadData(
            f"plane: {len(models)} networks are given. Two make a line and three a"
            " plane; for more make a path_plane."
        )
    if isinstance(models, Mapping):
        return {str(name): network for name, network in models.items()}
    files = all(map(names_file, models))
    names = short_names(list(map(str, models))) if files else _NAMES
    return dict(zip(names, models, strict=False))


def _line(names: Sequence[str], read: Networks) -> Plane:
    one, other = read.weights
    apart = {name: flat(other[name]) - flat(one[name]) for name in one}
    distance = length(apart)
    if not distance:
        raise BadData(
            f"plane: {names[0]} and {names[1]} have the same weights, so there is no"
            " line between them. A state_dict shares its memory with the network:"
            " keep copies, copy.deepcopy(net.state_dict())."
        )
    first = {name: shaped(array, one[name]) for name, array in apart.items()}
    return Plane(
        kind="line",
        origin=read.under_every_name(one),
        first=read.under_every_name(first),
        second={},
        across=(-0.5, 1.5),
        along=(0.0, 0.0),
        marks=tuple(
            Mark(name=name, a=a, b=0.0)
            for name, a in zip(names, (0.0, 1.0), strict=True)
        ),
        facts={"distance": distance},
    )


def _plane(names: Sequence[str], read: Networks) -> Plane:
    found = triangle(*read.weights)
    if found is None:
        raise BadData(
            f"plane: {', '.join(names)} lie on one line, which spans no plane. Draw"
            " the line between two of them."
        )
    return Plane(
        kind="models",
        origin=read.under_every_name(read.weights[0]),
        first=read.under_every_name(found.first),
        second=read.under_every_name(found.second),
        across=found.across,
        along=found.along,
        marks=corners(found, names),
    )
