"""Final loss, accuracy and share of diverged runs against the learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.arms import ArmSummary
from normlab.analysis.rates import Choice, choices
from normlab.errors import NotMeasured
from normlab.figures.curves import add_band, add_line, single
from normlab.figures.look import LIGHT, Look, Style
from normlab.figures.panels import Panel, on, panels
from normlab.figures.picture import Drawn, Kind

if TYPE_CHECKING:
    from normlab.analysis.result import Result

LOSS, ACCURACY, DIVERGED = range(3)  # the panels
_GONE = (np.nan,) * 4  # no estimate


def draw_rates(
    arms: Sequence[ArmSummary],
    chosen: Sequence[Choice],
    styles: Mapping[str, Style],
    look: Look = LIGHT,
) -> go.Figure:
    """Three panels over the learning rate, a curve with its band per arm.

    Args:
        arms: Of one point of the sweep, at all rates.
        chosen: Each arm's own best rate, marked by a ring.
        styles: Of every arm.
        look: Paper and ink.
    """
    rate_axis = {"type": "log", **_ticks(sorted({arm.rate for arm in arms}))}
    figure = panels(
        look,
        [
            Panel(
                title="final test loss",
                x="learning rate",
                y="nats per example",
                x_axis=rate_axis,
                y_axis={"type": "log"},
            ),
            Panel(
                title="final test accuracy",
                x="learning rate",
                y="%",
                x_axis=rate_axis,
            ),
            Panel(
                title="runs that diverged",
                x="learning rate",
                y="% of runs",
                x_axis=rate_axis,
                y_axis={"range": [-4, 104]},
            ),
        ],
        columns=3,
    )
    best = {choice.arm: choice.rate for choice in chosen}
    for name, style in styles.items():
        those = sorted((a for a in arms if a.arm == name), key=lambda arm: arm.rate)
        if those:
            _add_arm(figure, those, best.get(name, np.nan), style)
    return figure


def _add_arm(
    figure: go.Figure, those: Sequence[ArmSummary], best: float, style: Style
) -> None:
    name, rates = those[0].arm, np.array([arm.rate for arm in those])
    shares = [100 * arm.diverged / arm.ended if arm.ended else np.nan for arm in those]
    # a loss after divergence is that of the last finite network: no end of a run
    loss = np.array([arm.test_loss if not arm.diverged else _GONE for arm in those])
    accuracy = np.array([arm.test_accuracy for arm in those])
    measured = (loss[:, :3], 100 * accuracy[:, :3], np.array(shares)[:, None])
    for i, values in enumerate(measured):
        if i != DIVERGED:
            low = np.maximum(values[:, 1], 1e-7) if i == LOSS else values[:, 1]
            high = values[:, 2] if i == LOSS else np.minimum(values[:, 2], 100)
            add_band(figure, rates, low, high, style=style, name=name, **on(i))
        add_line(
            figure,
            rates,
            values[:, 0],
            style=style,
            name=name,
            mode="lines+markers",
            marker={"symbol": style.marker, "size": 7},
            showlegend=i == LOSS,
            hovertemplate=f"{name}, rate %{{x:.3g}}: %{{y:.4g}}<extra></extra>",
            **on(i),
        )
        at = rates == best
        if i != DIVERGED and at.any():
            figure.add_scatter(
                x=single(rates[at]),
                y=single(values[at, 0]),
                mode="markers",
                marker={
                    "symbol": "circle-open",
                    "size": 17,
                    "color": style.colour(),
                    "line": {"width": 2},
                },
                hovertemplate=f"{name}: its own best<extra></extra>",
                legendgroup=name,
                showlegend=False,
                **on(i),
            )


def _ticks(rates: Sequence[float]) -> dict[str, object]:
    """Every rate by its own name, while they are few enough to be read."""
    if len(rates) > 7:
        return {}
    return {"tickvals": list(rates), "ticktext": [f"{rate:g}" for rate in rates]}


def _draw(result: Result, look: Look) -> Drawn:
    spec = result.record.spec
    if len(spec.recipe.rates) < 2:
        raise NotMeasured("the study has one learning rate; give several with --lr")
    point = spec.sweep.points[0]
    arms = [arm for arm in result.analysis.arms if arm.point == point]
    if not any(arm.ended for arm in arms):
        raise NotMeasured("no run has ended yet")
    chosen = [choice for choice in choices(result.record) if choice.point == point]
    styles = look.styles([arm.name for arm in spec.arms])
    return Drawn(draw_rates(arms, chosen, styles, look), _words(arms, chosen, styles))


def _words(
    arms: Sequence[ArmSummary], chosen: Sequence[Choice], styles: Mapping[str, Style]
) -> str:
    best = {choice.arm: choice.rate for choice in chosen}
    sentences = []
    for name in styles:
        those = [arm for arm in arms if arm.arm == name and arm.test_accuracy.seeds]
        if not those:
            continue
        lost = [f"{arm.rate:g}" for arm in those if arm.diverged]
        top = max(those, key=lambda arm: arm.test_accuracy.mean)
        sentences.append(
            f"{name} is most accurate at rate {top.rate:g} "
            f"({100 * top.test_accuracy.mean:.2f} %)"
            + (
                f", its own best is {best[name]:g}"
                if np.isfinite(best.get(name, np.nan))
                else ""
            )
            + (f", runs diverged at {', '.join(lost)}" if lost else ", no run diverged")
        )
    return "; ".join(sentences) + "."


KIND = Kind(
    id="learning-rates",
    section="training",
    title="Over learning rates",
    reading=(
        "The wider the flat bottom on the left, the less the choice of the rate "
        "matters, and the further right it reaches, the larger the rates that work. "
        "Mean over seeds with 95 % interval; where a run diverged there is no final "
        "loss, and accuracy counts its last finite network. A ring marks each arm's "
        "own best rate, chosen on held-out images."
    ),
    draw=_draw,
)
