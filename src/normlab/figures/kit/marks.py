"""Lines and areas that tell where equal is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from normlab.figures.kit.curves import Numbers, single
from normlab.figures.kit.panels import axis_number
from normlab.figures.kit.theme import Theme, css


def add_level(
    figure: go.Figure, i: int, y: float, theme: Theme, *, text: str = ""
) -> None:
    """A dotted horizontal line across panel `i`.

    Args:
        figure: Is drawn into.
        i: The panel.
        y: In the axis' own units.
        theme: Ink.
        text: Stands on the line, at its right end.
    """
    n = axis_number(i)
    label = {"text": text, "textposition": "end", "yanchor": "bottom"}
    across = {"xref": f"x{n} domain", "x0": 0, "x1": 1, "y0": y, "y1": y}
    _add_dotted(figure, theme, across, yref=f"y{n}", label=label if text else None)


def add_curve(
    figure: go.Figure, x: Numbers, y: Numbers, theme: Theme, **axes: Any
) -> None:
    """A dotted curve, dotted as the levels are.

    Args:
        figure: Is drawn into.
        x: Shape `(points,)`.
        y: Shape `(points,)`.
        theme: Ink.
        axes: `xaxis` and `yaxis`.
    """
    figure.add_scatter(
        x=single(x),
        y=single(y),
        mode="lines",
        line=_dotted(theme),
        hoverinfo="skip",
        showlegend=False,
        **axes,
    )


def add_upright(figure: go.Figure, i: int, x: float, theme: Theme) -> None:
    """A dotted vertical line through panel `i`.

    Args:
        figure: Is drawn into.
        i: The panel.
        x: In the axis' own units.
        theme: Ink.
    """
    n = axis_number(i)
    along = {"yref": f"y{n} domain", "y0": 0, "y1": 1, "x0": x, "x1": x}
    _add_dotted(figure, theme, along, xref=f"x{n}")


def _add_dotted(
    figure: go.Figure, theme: Theme, ends: Mapping[str, Any], **more: Any
) -> None:
    figure.add_shape(type="line", layer="below", line=_dotted(theme), **ends, **more)


def _dotted(theme: Theme) -> dict[str, Any]:
    return {"color": css(theme.muted), "width": 1.5, "dash": "dot"}
