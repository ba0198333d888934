"""Length and turning of the steps, beside what pure noise would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import by_arm, seen
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.records.observed.path import PathArrays

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme

Curve = NDArray[np.float64]

APART = 10  # steps; the probe looks at bursts of successive steps


class Bursts(NamedTuple):
    """Means over bursts of successive steps."""

    steps: NDArray[np.integer]  # (bursts,), where they begin
    norm: Curve
    cosine: Curve


class Efficiency(NamedTuple):
    """Net distance from the start over the length of the path."""

    steps: NDArray[np.integer]  # (distances,)
    share: Curve


def per_burst(path: PathArrays) -> Bursts:
    """Means over each burst of successive steps, at the step where it begins.

    Example:
        >>> per_burst(PathArrays(
        ...     steps=np.array([0, 1, 50]), norm=np.array([1.0, 3.0, 5.0]),
        ...     cosine=np.zeros(3), momentum=np.array(0.9), weights={},
        ... )).norm
        array([2., 5.])
    """
    step = path.steps
    begins = np.flatnonzero(np.diff(step, prepend=-2 * APART) > APART)
    length = np.diff(begins, append=len(step))
    norm, cosine = (
        np.add.reduceat(of.astype(np.float64), begins) / length
        for of in (path.norm, path.cosine)
    )
    return Bursts(step[begins], norm, cosine)


def efficiency(path: PathArrays) -> Efficiency | None:
    """Net distance from the start over the length of the path, at every distance.

    Updates are looked at in bursts, so the length is estimated: between two that were
    looked at, the length of an update is interpolated.

    Example:
        >>> efficiency(PathArrays(
        ...     steps=np.array([0, 1, 50]), norm=np.array([1.0, 1.0, 1.0]),
        ...     cosine=np.zeros(3), momentum=np.array(0.9), weights={},
        ...     distance_steps=np.array([0, 50, 100]),
        ...     distance=np.array([0.0, 50.0, 75.0]),
        ... ))
        Efficiency(steps=array([ 50, 100]), share=array([1.  , 0.75]))
    """
    if path.distance is None or path.distance_steps is None:
        return None
    moved = path.distance_steps > 0
    step, distance = path.distance_steps[moved], path.distance[moved]
    updates = np.interp(np.arange(max(step, default=0)), path.steps, path.norm)
    length = np.cumsum(updates)[step - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = distance.astype(np.float64) / length
    return Efficiency(step, share)


def null_efficiency(step: NDArray[np.floating], momentum: float) -> Curve:
    r"""What t steps of white noise give: $\sqrt{(1+m)/((1-m)t)}$, at most 1.

    Example:
        >>> null_efficiency(np.array([1.0, 1900.0]), 0.9)
        array([1. , 0.1])
    """
    return np.minimum(np.sqrt((1 + momentum) / ((1 - momentum) * step)), 1.0)


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    found = seen(result, PathArrays)
    momentum = float(next(iter(found.values())).momentum)
    runs = {key: per_burst(path) for key, path in found.items()}
    norm = by_arm(runs, lambda of: of.norm, ratio=True)
    cosine = by_arm(runs, lambda of: of.cosine)
    ways = {key: way for key, path in found.items() if (way := efficiency(path))}
    direct = by_arm(ways, lambda way: way.share, ratio=True)
    known = np.isfinite(momentum)
    quantities = [
        Quantity(title="length of a step", unit="‖u‖", series=norm, log=True),
        Quantity(
            title="direction kept",
            unit="cosine with the next step",
            series=cosine,
            level=momentum if known else None,
            bounds=(-1.0, 1.0),
        ),
    ]
    if direct:
        step = max((one.step for one in direct), key=len)
        quantities.append(
            Quantity(
                title="efficiency of the path so far",
                unit="net distance / length",
                series=direct,
                log=True,
                bounds=(0.0, 1.0),
                null=(step, null_efficiency(step, momentum)) if known else None,
            )
        )
    styles = theme.styles(result.record.spec.labels)
    alt = f"Cosine of a step with the next: {ends(cosine, styles)}."
    if direct:
        alt += f" Net distance over length of the path: {ends(direct, styles)}."
    return Drawn(draw_along_training(quantities, styles, theme, columns=3), alt)


KIND = FigureKind(
    id="step-path",
    section="curious",
    of_one_setting=True,
    title="The path, step by step",
    reading=(
        "How far each step moves the shared weights; how much of its direction the "
        "next step keeps (1 is straight ahead); and the distance from the start over "
        "the length of the path so far, which is estimated from the steps that were "
        "looked at. Dotted: expected for uncorrelated gradient noise at momentum m, "
        "namely m and √((1+m)/((1−m)t)); only what lies above is a direct path."
    ),
    draw=_draw,
)
