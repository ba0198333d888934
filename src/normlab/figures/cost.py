"""What normalisation costs: time per step, and per image before and after folding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from normlab.errors import NotMeasured
from normlab.figures.kit.marks import add_upright
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind, in_words
from normlab.figures.kit.theme import LIGHT, Style, Theme, css

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult


def draw_cost(
    cost: Mapping[str, Any], styles: Mapping[str, Style], theme: Theme = LIGHT
) -> go.Figure:
    """Time of a training step on the left, time of inference on the right.

    Args:
        cost: The measurement of that name.
        styles: Of every arm.
        theme: Paper and ink.
    """
    arms: Mapping[str, Mapping[str, Any]] = cost["arms"]
    rows = {
        "tickvals": list(range(len(arms))),
        "ticktext": [styles[arm].label for arm in arms],
        "range": [len(arms) - 0.5, -0.5],
        "showgrid": False,
    }
    top = [measured["interval"][1] for measured in arms.values()]
    figure = panels(
        theme,
        [
            Panel(
                title="one training step",
                x=f"time of a step / that {styles[cost['baseline']].label}",
                y="",
                x_axis={"range": [0, 1.25 * max(top)]},
                y_axis=rows,
            ),
            Panel(
                title=f"inference, {cost['images']} images",
                x="milliseconds",
                y="",
                x_axis={"rangemode": "tozero"},
                y_axis=rows,
            ),
        ],
        height=max(140, 70 * len(arms)),
    )
    add_upright(figure, 0, 1.0, theme)
    for place, (arm, measured) in enumerate(arms.items()):
        _add_step(figure, place, measured, styles[arm], theme)
        _add_inference(figure, place, measured, styles[arm])
    return figure


def _add_step(
    figure: go.Figure,
    place: int,
    measured: Mapping[str, Any],
    style: Style,
    theme: Theme,
) -> None:
    ratio, (low, high) = measured["ratio"], measured["interval"]
    milliseconds = 1000 * measured["seconds_per_step"]
    figure.add_scatter(
        x=[ratio],
        y=[place],
        error_x={
            "symmetric": False,
            "array": [high - ratio],
            "arrayminus": [ratio - low],
            "color": style.colour(),
            "thickness": 2,
        },
        mode="markers",
        marker={"color": style.colour(), "symbol": style.marker, "size": 10},
        name=style.label,
        hovertemplate=f"{ratio:.3f} [{low:.3f}, {high:.3f}]<extra></extra>",
        showlegend=False,
        **on(0),
    )
    figure.add_annotation(
        text=f"{ratio:.2f} times: {milliseconds:.2g} ms",
        x=ratio,
        xanchor="right",
        xshift=-6,
        y=place,
        yanchor="bottom",
        yshift=4,
        showarrow=False,
        bgcolor=css(theme.paper),  # the dotted line ends where words stand
    )


def _add_inference(
    figure: go.Figure, place: int, measured: Mapping[str, Any], style: Style
) -> None:
    times = {"as trained": measured["inference_seconds"]}
    if measured["folded_inference_seconds"] is not None:
        times["folded"] = measured["folded_inference_seconds"]
    for i, (name, seconds) in enumerate(times.items()):
        symbol = style.marker if i == 0 else f"{style.marker}-open"
        figure.add_scatter(
            x=[1000 * seconds],
            y=[place + 0.22 * i],
            mode="markers+text",
            text=[f" {name}: {1000 * seconds:.3g} ms"],
            textposition="middle left",
            marker={"color": style.colour(), "symbol": symbol, "size": 10},
            name=f"{style.label}, {name}",
            hovertemplate=f"{name}: %{{x:.3f}} ms<extra></extra>",
            showlegend=False,
            **on(1),
        )


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    cost = result.record.measurements.get("cost")
    if cost is None:
        raise NotMeasured("cost is measured with --measure light or full")
    styles = theme.styles(result.record.spec.labels)
    words = in_words(
        f"{styles[arm].label} {measured['ratio']:.2f} times, "
        f"{measured['parameters']:,} parameters"
        for arm, measured in cost["arms"].items()
    )
    return Drawn(
        draw_cost(cost, styles, theme),
        f"Time of a training step against that "
        f"{styles[cost['baseline']].label}: {words}.",
    )


KIND = FigureKind(
    id="cost",
    section="curious",
    of_one_setting=False,
    title="What it costs",
    reading=(
        "Left is cheaper. Time of one training step against the baseline's, the arms "
        "taking turns on one machine (95 % interval), and the time to classify images "
        "as trained and, where batch norms can be folded into the layers before them, "
        "after folding."
    ),
    draw=_draw,
)
