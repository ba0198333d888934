"""Loss range, gradient predictiveness and smoothness along training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import by_arm, seen
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.records.observed.gradient import GradientArrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme


def loss_range(seen: GradientArrays) -> NDArray[np.floating]:
    """Highest minus lowest loss along the gradient, shape `(steps,)`."""
    along = seen.loss_along_g
    return along.max(axis=1) - along.min(axis=1)


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, GradientArrays)
    quantities = [
        Quantity(
            title="loss range along the gradient",
            unit="nats",
            series=by_arm(runs, loss_range, ratio=True),
            log=True,
        ),
        Quantity(
            title="change of the gradient",
            unit="max ‖∇L(w) − ∇L(w − d g)‖",
            series=by_arm(runs, lambda of: of.predictiveness, ratio=True),
            log=True,
        ),
        Quantity(
            title="smoothness along the gradient",
            unit="β",
            series=by_arm(runs, lambda of: of.beta, ratio=True),
            log=True,
        ),
        Quantity(
            title="smoothness along the step taken",
            unit="β<sub>u</sub>",
            series=by_arm(runs, lambda of: of.beta_u, ratio=True),
            log=True,
        ),
    ]
    styles = theme.styles([arm.name for arm in result.record.spec.arms])
    figure = draw_along_training(quantities, styles, theme, height=230)
    words = "; ".join(f"{q.title}: {ends(q.series)}" for q in quantities)
    return Drawn(figure, f"{words}.")


KIND = FigureKind(
    id="along-gradient",
    section="surface",
    of_one_setting=True,
    title="How smooth the surface is where training walks",
    reading=(
        "Lower is smoother everywhere here. At each moment the loss and its gradient "
        "were measured again after steps of half to four times the usual length: how "
        "far the losses spread, how much the gradient changes, and that change per "
        "distance (β; along the step really taken, momentum included, βᵤ). After "
        "Santurkar et al. (2018); mean over seeds, band 95 %."
    ),
    draw=_draw,
)
