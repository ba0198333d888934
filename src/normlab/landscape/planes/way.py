"""The way that a training took: its networks, and their marks on a plane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.errors import BadData
from normlab.landscape.planes.networks import Network, kept, kind_of
from normlab.landscape.planes.vectors import Arrays
from normlab.records.surface import Mark

MAX_REAL = 25  # networks of one way whose real loss is measured


@dataclass(frozen=True, kw_only=True)
class Way:
    """One training.

    Attributes:
        name: Empty where there is one alone.
        steps: Rising.
        networks: By the name of their mark, in the order of the steps.
    """

    name: str
    steps: tuple[int, ...]
    networks: Mapping[str, Network]


def ways_of(
    snapshots: Sequence[Network] | Mapping[str, Sequence[Network]],
    steps: Sequence[int] | Mapping[str, Sequence[int]],
) -> list[Way]:
    """One way, or several by their names.

    Raises:
        BadData: If steps and snapshots do not go together, or steps do not rise.
    """
    if not isinstance(snapshots, Mapping):
        return [_way("", snapshots, steps)]
    if not snapshots:
        raise BadData("path: no snapshots are given. Keep at least 3.")
    shared = None if isinstance(steps, Mapping) else steps
    missing = [n for n in snapshots if isinstance(steps, Mapping) and n not in steps]
    if missing:
        raise BadData(f"path: there are no steps for {missing[0]!r}.")
    return [
        _way(str(name), each, steps[name] if shared is None else shared)  # type: ignore[index]
        for name, each in snapshots.items()
    ]


def _way(name: str, snapshots: object, steps: Any) -> Way:
    path = f"path {name!r}" if name else "path"
    # a network and a tensor can be iterated over, too
    one = isinstance(snapshots, Mapping | nn.Module | Tensor | np.ndarray | str)
    if one or not isinstance(snapshots, Iterable):
        raise BadData(
            f"{path}: {kind_of(snapshots)} is no list of snapshots. Give the"
            " networks in time order."
        )
    networks = list(snapshots)
    try:
        numbers = tuple(int(step) for step in steps)
        whole = numbers == tuple(steps)
    except (TypeError, ValueError):
        numbers, whole = (), False
    if not whole:
        raise BadData(f"{path}: steps are whole numbers, one for each snapshot.")
    if len(numbers) != len(networks):
        raise BadData(f"{path}: {len(numbers)} steps for {len(networks)} snapshots.")
    for before, step in pairwise(numbers):
        if step <= before:
            raise BadData(
                f"{path}: step {step} comes after step {before}. Give the snapshots in"
                " time order, with steps that rise."
            )
    of = f" of {name}" if name else ""
    labels = [f"step {step}{of}" for step in numbers]
    return Way(
        name=name, steps=numbers, networks=dict(zip(labels, networks, strict=True))
    )


def marked_steps(
    ways: Sequence[Way], places: NDArray[np.float64], off: Iterable[float]
) -> tuple[Mark, ...]:
    """A mark for each network.

    Args:
        ways: In the order of the places.
        places: Coordinates, shape (networks, 2).
        off: Distances from the plane.
    """
    named = [(name, way.name) for way in ways for name in way.networks]
    return tuple(
        Mark(name=name, a=float(a), b=float(b), off_plane=far, path=path)
        for (name, path), (a, b), far in zip(named, places, off, strict=True)
    )


def real_networks(
    ways: Sequence[Way], whole: Sequence[Mapping[str, NDArray[Any]]]
) -> dict[str, Arrays]:
    """Networks whose real loss is measured, evenly chosen on each way.

    Args:
        ways: In the order of the networks.
        whole: Their parameters and buffers.
    """
    chosen: dict[str, Arrays] = {}
    states = iter(whole)
    for way in ways:
        here = {name: next(states) for name in way.networks}
        count = min(MAX_REAL, len(here))
        for i in np.linspace(0, len(here) - 1, count).round().astype(int):
            name = list(here)[i]
            chosen[name] = kept(here[name])
    return chosen
