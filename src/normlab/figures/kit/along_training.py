"""Measured numbers along training: one panel per number, one line per arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from normlab.analysis.series.series import Series
from normlab.figures.kit import steps
from normlab.figures.kit.curves import add_band, add_line, log_axis
from normlab.figures.kit.marks import add_curve, add_level
from normlab.figures.kit.panels import Panel, axis_number, on, panels
from normlab.figures.kit.picture import in_words
from normlab.figures.kit.theme import Style, Theme


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One panel: what is measured, in what unit, and of every arm its course."""

    title: str
    unit: str
    series: Sequence[Series]
    log: bool = False
    level: float | None = None
    """A value worth a dotted line."""
    null: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    """What chance alone would give: steps and values of a dotted curve."""
    bounds: tuple[float, float] = (-np.inf, np.inf)
    """What values are possible; a band beyond them is cut."""
    over: str = steps.TITLE
    """What lies to the right; another thing than steps has an axis of its own."""


def draw_along_training(
    quantities: Sequence[Quantity],
    styles: Mapping[str, Style],
    theme: Theme,
    *,
    columns: int = 2,
    height: int = 260,
    one_scale: bool = False,
) -> go.Figure:
    """A panel per quantity over the steps on a logarithmic axis.

    Args:
        quantities: From left to right, then down.
        styles: Of every arm.
        theme: Paper and ink.
        columns: Panels of a row.
        height: Of a panel, in pixels.
        one_scale: Whether quantities of the same unit share their axis' range.
    """
    axes: list[dict[str, Any]] = []
    first: dict[str, str] = {}  # of each unit its first axis
    for i, quantity in enumerate(quantities):
        known = first.get(quantity.unit) if one_scale else None
        axes.append({**_axis(quantity), "matches": known})
        first.setdefault(quantity.unit, f"y{axis_number(i)}")
    figure = panels(
        theme,
        [
            Panel(
                title=quantity.title,
                x=quantity.over,
                y=quantity.unit,
                x_axis={
                    **steps.AXIS,
                    "matches": "x" if i and quantity.over == steps.TITLE else None,
                },
                y_axis=axes[i],
            )
            for i, quantity in enumerate(quantities)
        ],
        columns=columns,
        height=height,
    )
    told: set[str] = set()
    for i, quantity in enumerate(quantities):
        if quantity.level is not None:
            add_level(figure, i, quantity.level, theme)
        if quantity.null is not None:
            add_curve(
                figure, steps.at(quantity.null[0]), quantity.null[1], theme, **on(i)
            )
        for one in quantity.series:
            style, x = styles[one.arm], steps.at(one.step)
            low, high = (
                np.clip(edge, *quantity.bounds) for edge in (one.low, one.high)
            )
            add_band(figure, x, low, high, style=style, name=style.label, **on(i))
            add_line(
                figure,
                x,
                one.mean,
                style=style,
                name=style.label,
                mode="lines+markers",
                marker={"symbol": style.marker, "size": 5, "color": style.colour()},
                showlegend=one.arm not in told,
                **on(i),
            )
            told.add(one.arm)
    return figure


def _axis(quantity: Quantity) -> dict[str, Any]:
    if quantity.log:
        return log_axis([of for one in quantity.series for of in (one.low, one.high)])
    return {"rangemode": "nonnegative"} if quantity.bounds[0] == 0 else {}


def ends(series: Sequence[Series], styles: Mapping[str, Style]) -> str:
    """First and last value of every arm, for the words beside a figure."""
    parts = (
        f"{styles[one.arm].label} {one.mean[0]:.3g} to {one.mean[-1]:.3g}"
        for one in series
        if one.mean.size
    )
    return in_words(parts, ", ")
