"""The plane on which both twins can be seen: through their start and their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from normlab.errors import BadData
from normlab.landscape.plane import Arrays, Plane, Window
from normlab.records.surface import Mark

_MARGIN = 0.35  # of the triangle's extent: the bowl around an end shall be seen


def common_plane(
    start: Arrays, ends: Mapping[str, Arrays], *, shared: Sequence[str]
) -> Plane:
    r"""Plane through the common start and the end points of two twins.

    With $u = w_A - w_0$ and $v = w_B - w_0$ over the shared weights, the directions
    are $u/\lVert u\rVert$ and the part of $v$ orthogonal to $u$, of length 1. The
    origin is the common start. The plane names the shared weights only: each twin
    is measured on it with its own other parameters, which the model passed to the
    measurement holds, so the marked start's loss on the plane is not its real one.

    Args:
        start: Parameters at step 0.
        ends: Arm's name to its parameters at the end, two arms.
        shared: Names of the weights that both arms have.

    Raises:
        BadData: If there are not two arms, a name is missing, or the three points
            lie on one line.
    """
    if len(ends) != 2:
        raise BadData(f"common plane: {len(ends)} arms given, it takes two.")
    for where, arrays in {"start": start, **ends}.items():
        missing = [name for name in shared if name not in arrays]
        if missing:
            raise BadData(f"common plane: {where!r} has no weight {missing[0]!r}.")
    (one, u), (other, v) = (
        (arm, {name: _float(end[name]) - _float(start[name]) for name in shared})
        for arm, end in ends.items()
    )
    length = np.sqrt(_dot(u, u))
    first = {name: array / (length or 1.0) for name, array in u.items()}
    shadow = _dot(v, first)
    rest = {name: array - shadow * first[name] for name, array in v.items()}
    height = np.sqrt(_dot(rest, rest))
    if min(length, height) <= 1e-6 * np.sqrt(_dot(v, v)) or length == 0:
        raise BadData(
            "common plane: the start and the two ends lie on one line, which spans"
            " no plane. Draw the random plane."
        )
    return Plane(
        kind="common",
        origin={name: start[name] for name in shared},
        first={n: d.astype(start[n].dtype) for n, d in first.items()},
        second={n: (d / height).astype(start[n].dtype) for n, d in rest.items()},
        across=_window(0.0, length, shadow),
        along=_window(0.0, height),
        marks=(
            Mark(name="start", a=0.0, b=0.0),
            Mark(name=f"end {one}", a=float(length), b=0.0),
            Mark(name=f"end {other}", a=float(shadow), b=float(height)),
        ),
    )


def _float(array: np.ndarray) -> np.ndarray:
    return np.asarray(array, np.float64)


def _dot(one: Arrays, other: Arrays) -> float:
    return float(sum(np.vdot(one[name], other[name]) for name in one))


def _window(*places: float) -> Window:
    low, high = min(places), max(places)
    margin = _MARGIN * (high - low)
    return float(low - margin), float(high + margin)
