"""How straight the path is in what the network says, from near by and from afar."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.errors import NotMeasured
from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import by_arm, seen
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.records.observed.outputs import OutputArrays

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme

Curve = NDArray[np.floating]


class Bursts(NamedTuple):
    """Of each burst of ten successive steps in epoch 1."""

    steps: NDArray[np.integer]  # (bursts,), where they begin
    straight: Curve  # (bursts,), net over summed distance
    ahead: Curve  # (bursts,), mean cosine with the rest of the way


class Afar(NamedTuple):
    """Of epoch 1 as a whole."""

    steps: NDArray[np.integer]  # (strides,), from look to look
    straight: Curve  # (strides,), net over summed distance


def near_by(of: OutputArrays) -> Bursts:
    """What the bursts of a run show."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return Bursts(of.burst_steps, of.burst_net / of.burst_sum, of.burst_cosine)


def from_afar(of: OutputArrays) -> Afar:
    """What is seen by who looks every so many steps."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return Afar(of.strides, of.stride_net / of.stride_sum)


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, OutputArrays)
    bursts = {key: near_by(of) for key, of in runs.items()}
    afar = {key: from_afar(of) for key, of in runs.items()}
    straight = by_arm(bursts, lambda of: of.straight, ratio=True)
    if not straight:
        raise NotMeasured("it takes an epoch of 100 steps")
    quantities = [
        Quantity(
            title="within ten successive steps of epoch 1",
            unit="net distance / length",
            series=straight,
            bounds=(0.0, 1.0),
        ),
        Quantity(
            title="epoch 1, looked at every so many steps",
            unit="net distance / length",
            series=by_arm(afar, lambda of: of.straight, ratio=True),
            log=True,
            bounds=(0.0, 1.0),
            over="steps from look to look (log scale)",
        ),
        Quantity(
            title="direction of a step",
            unit="cosine with the rest of the way",
            series=by_arm(bursts, lambda of: of.ahead),
            level=0.0,
            bounds=(-1.0, 1.0),
        ),
    ]
    styles = theme.styles(result.record.spec.labels)
    alt = f"Net distance over length within ten steps: {ends(straight, styles)}."
    return Drawn(draw_along_training(quantities, styles, theme), alt)


KIND = FigureKind(
    id="straightness",
    section="curious",
    of_one_setting=True,
    title="How straight the path is, from near by and from afar",
    reading=(
        "Higher is straighter; 1 is a straight line. The path is that of the network's "
        "answers to the same images (square roots of its probabilities), so no scale "
        "of weights enters. A zigzag from step to step is not seen by who looks at "
        "every twentieth step: the second panel shows how much the answer depends on "
        "that. Its value at every step is estimated from the bursts of ten, to some "
        "ten per cent. Last: whether single steps point to where epoch 1 ends. Mean "
        "over seeds, band 95 %."
    ),
    draw=_draw,
)
