"""The largest Hessian eigenvalue beside what the learning rate can bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.series.series import Series
from normlab.errors import NotMeasured
from normlab.figures.kit.curves import single
from normlab.figures.kit.marks import add_level
from normlab.figures.kit.observed import by_arm, seen
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.theme import LIGHT, Style, Theme
from normlab.records.observed.sharpness import SharpnessArrays

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult


def draw_sharpness(
    series: Sequence[Series],
    limits: Mapping[str, float],
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """A group of marks per moment, one per arm, and a line per limit.

    Args:
        series: Of every arm.
        limits: By the formula that is written on their line.
        styles: Of every arm.
        theme: Paper and ink.
    """
    moments = sorted({float(step) for one in series for step in one.step})
    axis = {
        "tickvals": list(range(len(moments))),
        "ticktext": [f"step {step:,.0f}" for step in moments],
        "range": [-0.6, len(moments) - 0.4],
        "showgrid": False,
    }
    top = np.nanmax([*limits.values(), *(np.nanmax(one.mean) for one in series)])
    low = np.nanmin([np.nanmin(one.mean) for one in series]) / 2.5
    figure = panels(
        theme,
        [
            Panel(
                x="",
                y="eigenvalue (nats / weight²)",
                x_axis=axis,
                y_axis={
                    "type": "log",
                    "dtick": "D2",
                    "tickformat": "~g",
                    "range": [np.log10(low), np.log10(top * 1.8)],
                    "showgrid": False,  # it would cross out what stands at the limits
                },
            )
        ],
        height=280,
    )
    for text, limit in limits.items():
        add_level(figure, 0, limit, theme, text=f"{text} = {limit:.3g}")
    aside = np.linspace(-0.12, 0.12, len(series)) if len(series) > 1 else [0.0]
    for one, shift in zip(series, aside, strict=True):
        style = styles[one.arm]
        figure.add_scatter(
            x=[moments.index(float(step)) + shift for step in one.step],
            y=single(one.mean),
            error_y={
                "symmetric": False,
                "array": single(np.nan_to_num(one.high - one.mean)),
                "arrayminus": single(np.nan_to_num(one.mean - one.low)),
                "color": style.colour(),
                "thickness": 2,
            },
            mode="markers",
            marker={"color": style.colour(), "symbol": style.marker, "size": 10},
            name=style.label,
            **on(0),
        )
    return figure


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, SharpnessArrays)
    series = by_arm(runs, lambda of: of.eigenvalue, ratio=True)
    if not series:
        raise NotMeasured("sharpness is measured for SGD alone")
    first = next(iter(runs.values()))
    limits = {"2/a": float(first.limit[-1])}
    limits["(2 + 2m)/a"] = float(first.momentum_limit[-1])
    limits = {text: limit for text, limit in limits.items() if np.isfinite(limit)}
    styles = theme.styles(result.record.spec.labels)
    ends = ", ".join(f"{styles[one.arm].label} {one.mean[-1]:.3g}" for one in series)
    bounds = ", ".join(f"{text} is {limit:.3g}" for text, limit in limits.items())
    alt = f"Largest eigenvalue at the end: {ends}; {bounds}."
    return Drawn(draw_sharpness(series, limits, styles, theme), alt)


KIND = FigureKind(
    id="sharpness",
    section="curious",
    of_one_setting=True,
    title="Sharpness",
    reading=(
        "The largest eigenvalue of the Hessian after the first epoch and at the end "
        "(mean over seeds, 95 %). On a parabola plain gradient descent with learning "
        "rate a diverges above the line 2/a, with momentum m above (2 + 2m)/a; far "
        "below it there is room for larger steps."
    ),
    draw=_draw,
)
