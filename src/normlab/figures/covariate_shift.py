"""How a step of the layers below changes the gradient of a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from normlab.errors import NotMeasured
from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import by_arm, seen
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.records.observed.gradient import GradientArrays, ShiftArrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme


def _over_layers(
    seen: GradientArrays, fetch: Callable[[ShiftArrays], NDArray[np.floating]]
) -> NDArray[np.floating] | None:
    layers = [fetch(layer) for layer in seen.layers.values()]
    return np.asarray(np.mean(layers, axis=0)) if layers else None


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, GradientArrays)
    shift = by_arm(runs, lambda of: _over_layers(of, lambda it: it.shift), ratio=True)
    cosine = by_arm(runs, lambda of: _over_layers(of, lambda it: it.shift_cosine))
    if not shift:
        raise NotMeasured("it takes two layers with weights")
    styles = theme.styles(result.record.spec.labels)
    figure = draw_along_training(
        [
            Quantity(
                title="change of the gradient",
                unit="‖G − G′‖ / ‖G‖",
                series=shift,
                log=True,
            ),
            Quantity(
                title="direction kept",
                unit="cos(G, G′)",
                series=cosine,
                level=1.0,
                bounds=(-1.0, 1.0),
            ),
        ],
        styles,
        theme,
    )
    return Drawn(figure, f"Relative change of the gradient: {ends(shift, styles)}.")


KIND = FigureKind(
    id="covariate-shift",
    section="curious",
    of_one_setting=True,
    title="Internal covariate shift, seen from the gradient",
    reading=(
        "Change: lower is less shift. G is a layer's gradient, G′ the one it would "
        "have after the layers below have taken their step. Direction: 1 means that it "
        "survives. Mean over layers and seeds. Santurkar et al. (2018), who proposed "
        "the measure, found no reduction by batch normalization."
    ),
    draw=_draw,
)
