"""Whether an arm's advantage grows along a sweep: one slope for each seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims import better_accuracy, faster_convergence
from normlab.analysis.claims.definition import Definition, Twins
from normlab.analysis.inference.component import Component
from normlab.analysis.inference.evidence import Evidence, Gap
from normlab.analysis.inference.images import Images, variance_over_images
from normlab.spec.point import point_text, value_text
from normlab.spec.study import StudySpec
from normlab.spec.sweep import Axis

ABOUT = {
    better_accuracy.CLAIM.id: "accuracy",
    faster_convergence.CLAIM.id: "speed",
}
"""The claims whose effects are followed along a sweep, and what grows."""


class Scale(NamedTuple):
    """Where the values of an axis lie."""

    places: tuple[float, ...]
    step: str
    """What one unit is."""


def scale_of(axis: Axis) -> Scale:
    """Doublings of a number above 0; else the rank in the order given.

    Example:
        >>> scale_of(Axis(key="recipe.batch_size", values=(4, 16, 64)))
        Scale(places=(2.0, 4.0, 6.0), step='doubling of batch_size')
        >>> scale_of(Axis(key="recipe.optimizer", values=("sgd", "adam")))
        Scale(places=(0.0, 1.0), step='step of optimizer from sgd to adam')
    """
    name, values = axis.key.rpartition(".")[2], axis.values
    numbers = [
        v for v in values if isinstance(v, int | float) and not isinstance(v, bool)
    ]
    if len(numbers) == len(values) and min(numbers) > 0:
        return Scale(tuple(math.log2(v) for v in numbers), f"doubling of {name}")
    ends = f"from {value_text(values[0])} to {value_text(values[-1])}"
    return Scale(tuple(map(float, range(len(values)))), f"step of {name} {ends}")


def interactions(family: Sequence[Evidence], spec: StudySpec) -> list[Evidence]:
    r"""The slope of an effect along each axis of a sweep, paired over seeds.

    With $x_p$ the place of point p on the axis and $e_{sp}$ the effect of seed s there,
    $b_s = \sum_p (x_p - \bar x) e_{sp} / \sum_p (x_p - \bar x)^2$ is tested over seeds.
    Points of a second axis count alike. A seed that lacks an effect at one of the
    points has no slope.

    Args:
        family: The evidence at every point.
        spec: Of the study.
    """
    compared = "same-rate" if len(spec.recipe.rates) == 1 else "own-best"
    alike: dict[tuple[str, str, str], dict[object, Evidence]] = {}
    for evidence in family:
        pairing, name = evidence.pairing, evidence.definition.id
        if name in ABOUT and pairing.compared == compared:
            those = alike.setdefault((name, pairing.arm, pairing.baseline), {})
            those.setdefault(pairing.point, evidence)
    return [
        _along(axis, [those[point] for point in spec.sweep.points])
        for those in alike.values()
        if those.keys() >= set(spec.sweep.points)
        for axis in spec.sweep.axes
    ]


def _along(axis: Axis, points: Sequence[Evidence]) -> Evidence:
    scale = scale_of(axis)
    place = dict(zip(axis.values, scale.places, strict=True))
    x = np.array([place[dict(e.pairing.point)[axis.key]] for e in points])
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    known = [
        dict(zip(e.decider.seeds, e.decider.effects.tolist(), strict=True))
        for e in points
    ]
    whole = [seed for seed in known[0] if all(seed in of for of in known)]
    slopes = [float(weights @ [of[seed] for of in known]) for seed in whole]
    first = points[0]
    by_seed = [{pair.seed: pair for pair in e.twins} for e in points]
    definition = _of_slopes(first.definition, axis, scale)
    gaps = _gaps(points, whole)
    images = (
        _images([[of[seed] for of in by_seed] for seed in whole], weights)
        if definition.over_images
        else None
    )
    part = Component(
        effects=np.array(slopes, np.float64),
        seeds=tuple(whole),
        margin=first.decider.margin,
        missing=sum(not gap.pending for gap in gaps),
        images=images,
    )
    return Evidence(
        definition=definition,
        pairing=first.pairing._replace(
            rate=math.nan,
            own_rate=math.nan,
            point=(),
            compared="over-sweep",
            axis=axis.key,
        ),
        twins=tuple(by_seed[0][seed] for seed in whole),
        components=(part,),
        gaps=gaps,
    )


def _gaps(points: Sequence[Evidence], whole: Sequence[int]) -> tuple[Gap, ...]:
    """The seeds that lack an effect somewhere, and the first reason for it."""
    found: dict[int, Gap] = {}
    for evidence in points:
        where = point_text(evidence.pairing.point)
        for gap in evidence.gaps:
            told = gap._replace(because=f"{gap.because} at {where}")
            if gap.seed not in found or gap.pending:
                found[gap.seed] = told
    return tuple(found[seed] for seed in points[0].seeds if seed not in whole)


def _images(
    twins: Sequence[Sequence[Twins]], weights: NDArray[np.float64]
) -> Images | None:
    """What the test images add to the mean slope, where all points know them."""
    slopes: list[NDArray[np.float64]] = []
    for points in twins:
        pairs = [(pair.baseline.correct, pair.other.correct) for pair in points]
        sizes = {-1 if c is None else c.size for pair in pairs for c in pair}
        if len(sizes) != 1 or -1 in sizes:
            return None
        difference = [
            other.astype(np.float64) - baseline
            for baseline, other in pairs
            if baseline is not None and other is not None
        ]
        slopes.append(weights @ np.stack(difference))
    if len(slopes) < 2 or len({slope.size for slope in slopes}) != 1:
        return None
    return Images(variance_over_images(np.stack(slopes)), slopes[0].size)


def _of_slopes(definition: Definition, axis: Axis, scale: Scale) -> Definition:
    """The claim that the advantage grows along the axis."""
    name = axis.key.rpartition(".")[2]
    grows = ABOUT[definition.id]
    step = scale.step.replace("{", "{{").replace("}", "}}")
    along = f"with {name}" if step.startswith("doubling") else f"by {step}"
    return replace(
        definition,
        id=f"{definition.id}-by-{name}",
        asked=f"advantage in {grows} grows {along}",
        statement=(
            f"{{arm}} the advantage in {grows} over training {{baseline}} grows {along}"
        ),
        measure=(
            f"slope per {scale.step}, least squares for each seed, of: "
            f"{definition.measure}"
        ),
        quantity=f"{definition.quantity}, change per {scale.step}",
        figure="sweep",
        beside=(),
    )
