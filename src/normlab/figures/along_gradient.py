"""Loss range, gradient predictiveness and smoothness along training."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from normlab.analysis.claims.predictable_steps import along_step
from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import by_arm, seen
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.records.observed.gradient import GradientArrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme


class Against(NamedTuple):
    """What was seen along -a g, at the moments at which it was followed."""

    steps: NDArray[np.integer]
    loss_range: NDArray[np.floating]
    """Highest minus lowest loss."""
    predictiveness: NDArray[np.floating]
    beta: NDArray[np.floating]

    @classmethod
    def of(cls, seen: GradientArrays) -> Against:
        """Of one run; older studies followed it at every moment."""
        there = slice(None) if seen.lacks("against") else seen.against
        along = seen.loss_along_g[there]
        return cls(
            seen.steps[there],
            along.max(axis=1) - along.min(axis=1),
            seen.predictiveness[there],
            seen.beta[there],
        )


def _by_row(seen: GradientArrays) -> NDArray[np.floating] | None:
    return None if seen.lacks("beta_u_by_row") else seen.beta_u_by_row


def _surprise(seen: GradientArrays) -> NDArray[np.floating] | None:
    return None if seen.lacks("slope_along_u") else along_step(seen)


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, GradientArrays)
    against = {key: Against.of(run) for key, run in runs.items()}
    quantities = [
        Quantity(
            title="loss range along the gradient",
            unit="nats",
            series=by_arm(against, lambda of: of.loss_range, ratio=True),
            log=True,
        ),
        Quantity(
            title="change of the gradient",
            unit="max ‖∇L(w) − ∇L(w − d g)‖",
            series=by_arm(against, lambda of: of.predictiveness, ratio=True),
            log=True,
        ),
        Quantity(
            title="smoothness along the gradient",
            unit="β",
            series=by_arm(against, lambda of: of.beta, ratio=True),
            log=True,
        ),
        Quantity(
            title="smoothness along the step taken",
            unit="β<sub>u</sub>",
            series=by_arm(runs, lambda of: of.beta_u, ratio=True),
            log=True,
        ),
    ]
    by_row = by_arm(runs, _by_row, ratio=True)
    if by_row:
        quantities.append(
            Quantity(
                title="the same, relative to row lengths",
                unit="B",
                series=by_row,
                log=True,
            )
        )
    surprises = by_arm(runs, _surprise)
    if surprises:
        quantities.append(
            Quantity(
                title="surprise of the step taken",
                unit="|ΔL − p| / (|ΔL| + |p|)",
                series=surprises,
                bounds=(0.0, 1.0),
            )
        )
    styles = theme.styles(result.record.spec.labels)
    figure = draw_along_training(quantities, styles, theme, height=230)
    words = "; ".join(f"{q.title}: {ends(q.series, styles)}" for q in quantities)
    return Drawn(figure, f"{words}.")


KIND = FigureKind(
    id="along-gradient",
    section="curious",
    of_one_setting=True,
    title="How smooth the surface is where training walks",
    reading=(
        "Lower is smoother everywhere here. At each moment the loss and its gradient "
        "were measured again after steps of half to four times the usual length: how "
        "far the losses spread, how much the gradient changes, and that change per "
        "distance (β; along the step really taken, momentum included, βᵤ). B counts "
        "every row of a weight in its own length, which in front of a norm means "
        "nothing. The surprise is 0 where the step taken changes the loss as its "
        "gradient promises (p), 1 where by nothing or the other way. After Santurkar "
        "et al. (2018); mean over seeds, band 95 %."
    ),
    draw=_draw,
)
