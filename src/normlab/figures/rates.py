"""Final loss, accuracy and share of runs that did not train against the rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.arms import ArmSummary
from normlab.analysis.design.rates import Choice, choices
from normlab.analysis.inference.interval import share_interval
from normlab.analysis.text.layout import spread
from normlab.analysis.text.words import named
from normlab.errors import NotMeasured
from normlab.figures.kit.curves import add_band, add_line, log_axis, log_window, single
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind, in_words
from normlab.figures.kit.theme import LIGHT, Style, Theme
from normlab.spec.point import SweepPoint, point_text

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

LOSS, ACCURACY, UNTRAINED = range(3)  # the panels of a row
MAX_POINTS = 4  # rows; of a longer sweep the first, the last and some between
_GONE = (np.nan,) * 4  # no estimate


def draw_rates(
    arms: Sequence[ArmSummary],
    chosen: Sequence[Choice],
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """Three panels over the learning rate, a curve with its band per arm.

    Args:
        arms: At all rates; each point of the sweep has a row.
        chosen: Each arm's own best rate, marked by a ring.
        styles: Of every arm.
        theme: Paper and ink.
    """
    points = list(dict.fromkeys(arm.point for arm in arms))
    rate_axis = {"type": "log", **_ticks(sorted({arm.rate for arm in arms}))}
    losses = [np.array([arm.test_loss.mean for arm in arms if not arm.diverged])]
    loss_axis = {**log_axis(losses), "range": log_window(losses)}
    figure = panels(
        theme,
        [panel for point in points for panel in _row(point, rate_axis, loss_axis)],
        columns=3,
    )
    best = {(choice.arm, choice.point): choice.rate for choice in chosen}
    found: dict[tuple[str, SweepPoint], list[ArmSummary]] = defaultdict(list)
    for arm in sorted(arms, key=lambda arm: arm.rate):
        found[arm.arm, arm.point].append(arm)
    for row, point in enumerate(points):
        for name, style in styles.items():
            if those := found[name, point]:
                own = best.get((name, point), np.nan)
                _add_arm(figure, row, those, own, style)
    return figure


def _row(
    point: SweepPoint, rate_axis: dict[str, Any], loss_axis: dict[str, Any]
) -> list[Panel]:
    named = {"x": "learning rate", "x_axis": rate_axis}
    at = f", {point_text(point)}" if point else ""
    return [
        Panel(
            title=f"final test loss{at}",
            y="nats per example",
            y_axis=loss_axis,
            **named,
        ),
        Panel(title=f"final test accuracy{at}", y="%", **named),
        Panel(
            title=f"runs that did not train{at}",
            y="% of runs",
            y_axis={"range": [-4, 104]},
            **named,
        ),
    ]


def _add_arm(
    figure: go.Figure,
    row: int,
    those: Sequence[ArmSummary],
    best: float,
    style: Style,
) -> None:
    name, rates = style.label, np.array([arm.rate for arm in those])
    # a loss after divergence is that of the last finite network: no end of a run
    loss = np.array([arm.test_loss if not arm.diverged else _GONE for arm in those])
    accuracy = 100 * np.array([arm.test_accuracy for arm in those])
    lost = 100 * np.array([share_interval(arm.untrained, arm.ended) for arm in those])
    bounds = ((1e-7, np.inf), (0, 100), (0, 100))
    for i, (values, ends) in enumerate(
        zip((loss, accuracy, lost), bounds, strict=True)
    ):
        axes = on(3 * row + i)
        low, high = np.clip(values[:, 1], *ends), np.clip(values[:, 2], *ends)
        add_band(figure, rates, low, high, style=style, name=name, **axes)
        add_line(
            figure,
            rates,
            values[:, 0],
            style=style,
            name=name,
            mode="lines+markers",
            marker={"symbol": style.marker, "size": 7},
            showlegend=row == 0 and i == LOSS,
            hovertemplate=f"{name}, rate %{{x:.3g}}: %{{y:.4g}}<extra></extra>",
            **axes,
        )
        at = rates == best
        if i != UNTRAINED and at.any():
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
                **axes,
            )


def _ticks(rates: Sequence[float]) -> dict[str, object]:
    """Every rate by its own name, while they are few enough to be read."""
    if len(rates) > 7:
        return {}
    return {"tickvals": list(rates), "ticktext": [f"{rate:g}" for rate in rates]}


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    spec = result.record.spec
    if len(spec.recipe.rates) < 2:
        raise NotMeasured("the study has one learning rate; give several with --lr")
    there = spec.sweep.points
    points = [there[i] for i in spread(range(len(there)), MAX_POINTS)]
    arms = [arm for arm in result.analysis.arms if arm.point in points]
    if not any(arm.ended for arm in arms):
        raise NotMeasured("no run has ended yet")
    chosen = choices(result.record)
    styles = theme.styles(spec.labels)
    words = [_words(point, arms, chosen, styles) for point in points]
    if len(points) < len(there):
        words.append(f"{len(there) - len(points)} other points are not drawn.")
    return Drawn(draw_rates(arms, chosen, styles, theme), " ".join(words))


def _words(
    point: SweepPoint,
    arms: Sequence[ArmSummary],
    chosen: Sequence[Choice],
    styles: Mapping[str, Style],
) -> str:
    best = {choice.arm: choice.rate for choice in chosen if choice.point == point}
    here: dict[str, list[ArmSummary]] = {name: [] for name in styles}
    for arm in arms:
        if arm.point == point and arm.test_accuracy.seeds:
            here[arm.arm].append(arm)
    sentences = []
    for name, those in here.items():
        if not those:
            continue
        lost = [f"{arm.rate:g}" for arm in those if arm.untrained]
        top = max(those, key=lambda arm: arm.test_accuracy.mean)
        own = best.get(name, np.nan)
        sentences.append(
            f"{styles[name].label} accuracy is highest at rate {top.rate:g} "
            f"({100 * top.test_accuracy.mean:.2f} %)"
            + (f", its own best is {own:g}" if np.isfinite(own) else "")
            + (f", not all runs trained at {named(lost)}" if lost else ", all trained")
        )
    where = f"At {point_text(point)}: " if point else ""
    return f"{where}{in_words(sentences) or 'no run has ended yet'}."


KIND = FigureKind(
    id="learning-rates",
    section="sweep",
    of_one_setting=False,
    title="Over learning rates",
    reading=(
        "The wider the flat bottom of the loss, the less the choice of the rate "
        "matters, and the further right it reaches, the larger the rates that work. "
        "Mean over seeds with 95 % interval, of the share of runs that did not train "
        "Wilson's; they are those whose loss was not finite, or ended at that of "
        "chance. Where a run diverged there is no final loss, and accuracy counts its "
        "last finite network. A ring marks each arm's own best rate, chosen on "
        "held-out images."
    ),
    draw=_draw,
)
