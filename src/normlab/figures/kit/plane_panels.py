"""Panels for planes: both axes of one scale, so that round is round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from normlab.figures.kit.panels import Panel, panels
from normlab.figures.kit.plane import axis_titles, paths
from normlab.figures.kit.theme import Theme
from normlab.records.surface import Surface

COLUMNS = 2
WIDTH = 420  # pixels: what a panel has on a wide page


class PlanePanel(NamedTuple):
    """One plane to be drawn on."""

    title: str
    note: str
    """Stands below the title, smaller."""
    surface: Surface


def plane_panels(theme: Theme, these: Sequence[PlanePanel]) -> go.Figure:
    """An empty figure with a panel for each plane, two in a row.

    It has room for a legend where a plane has several paths.

    Args:
        theme: Paper and ink.
        these: From left to right, then down.
    """
    figure = panels(
        theme,
        [_panel(i, one) for i, one in enumerate(these)],
        columns=COLUMNS,
        height=_heights(one.surface for one in these),
        legend=any(name for one in these for name in paths(one.surface)),
    )
    figure.update_xaxes(title_font_size=13).update_yaxes(title_font_size=13)
    return figure


def _panel(i: int, one: PlanePanel) -> Panel:
    x, y = axis_titles(one.surface)
    return Panel(
        title=one.title,
        note=one.note,
        x=x,
        y=y,
        x_axis={"constrain": "domain", "showgrid": False},
        y_axis={
            "scaleanchor": f"x{i + 1 if i else ''}",
            "constrain": "domain",
            "showgrid": False,
        },
    )


def _heights(surfaces: Iterable[Surface]) -> list[int]:
    """Of each row, so that both axes have one scale in panels of usual width."""
    slopes = [
        float(np.ptp(one.b)) / max(float(np.ptp(one.a)), 1e-12) for one in surfaces
    ]
    rows = [max(slopes[i : i + COLUMNS]) for i in range(0, len(slopes), COLUMNS)]
    return [int(np.clip(WIDTH * slope, 180, 460)) for slope in rows]
