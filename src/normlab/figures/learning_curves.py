"""Training loss by step and by second, mean over seeds with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.course import Band, loss_bands
from normlab.errors import NotMeasured
from normlab.figures.curves import add_band, add_line
from normlab.figures.look import LIGHT, Look, Style
from normlab.figures.panels import Panel, on, panels
from normlab.figures.picture import Drawn, Kind

if TYPE_CHECKING:
    from normlab.analysis.result import Result

MOST_RATES = 6  # rows; a sweep over more is told by its claims


def draw_learning_curves(
    bands: Sequence[Band], styles: Mapping[str, Style], look: Look = LIGHT
) -> go.Figure:
    """Loss over steps on the left and over seconds on the right, a row per rate.

    Args:
        bands: One per arm and rate.
        styles: Of every arm.
        look: Paper and ink.
    """
    rates = list(dict.fromkeys(band.rate for band in bands))[:MOST_RATES]
    rows: list[Panel] = []
    for rate in rates:
        title = f"learning rate {rate:g}" if len(rates) > 1 else ""
        for x in ("step", "seconds of training"):
            rows.append(
                Panel(
                    title=title,
                    x=x,
                    y="training loss (nats)",
                    y_axis={
                        "type": "log",
                        "dtick": "D2",
                        "tickformat": "~g",
                        "matches": "y" if rows else None,
                    },
                )
            )
    figure = panels(look, rows)
    for band in bands:
        if band.rate in rates:
            row = 2 * rates.index(band.rate)
            style = styles[band.arm]
            _add(figure, row, band.step, band, style)
            _add(figure, row + 1, band.step * band.step_seconds, band, style)
    return figure


def _add(figure: go.Figure, i: int, x: np.ndarray, band: Band, style: Style) -> None:
    add_band(figure, x, band.low, band.high, style=style, name=band.arm, **on(i))
    add_line(
        figure, x, band.mean, style=style, name=band.arm, showlegend=i == 0, **on(i)
    )


def _draw(result: Result, look: Look) -> Drawn:
    bands = loss_bands(result.record)
    if not bands:
        raise NotMeasured("no run has taken a step yet")
    styles = look.styles([arm.name for arm in result.record.spec.arms])
    rates = len(result.record.spec.recipe.rates) > 1
    courses = "; ".join(_words(band, with_rate=rates) for band in bands)
    return Drawn(
        draw_learning_curves(bands, styles, look),
        f"Training loss over steps and over seconds: {courses}.",
    )


def _words(band: Band, *, with_rate: bool) -> str:
    known = band.mean[np.isfinite(band.mean)]
    course = f"from {known[0]:.3g} to {known[-1]:.3g} nats" if known.size else "no loss"
    rate = f" at rate {band.rate:g}" if with_rate else ""
    return f"{band.arm}{rate} {course} in {band.step[-1]:.0f} steps"


KIND = Kind(
    id="learning-curves",
    section="training",
    title="Learning curves",
    reading=(
        "Lower is better, sooner is faster. Each line is the training loss of one arm "
        "(running median over 101 steps, mean over seeds), the band its 95 % interval; "
        "on the left every step counts the same, on the right every second."
    ),
    draw=_draw,
)
