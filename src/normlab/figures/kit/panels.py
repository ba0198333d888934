"""Panels beside each other on a wide page and below each other on a phone.

A figure knows both arrangements: the wide one is its layout, the narrow one lies in
`layout.meta["narrow"]` as a patch that the page applies (keys as Plotly's relayout
takes them). Titles are tied to their panel's domain, so they move along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from normlab.figures.kit.theme import Theme, css

TOP, BOTTOM, SIDE = 32, 56, 64  # pixels: a line of legend, an axis title, tick labels
ABOVE = 26  # a panel's title
LINE = 17  # one more line of a note or of an axis title
GAP = 84  # between rows: an axis title and the next panel's title
NARROW_HEIGHT = 250
TITLE = 40  # what a title of the whole figure takes; pages say it outside


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes: its titles, and other settings of its axes.

    Titles and note may have several lines, `<br>` between them.
    """

    title: str = ""
    note: str = ""
    """Stands below the title, smaller."""
    x: str
    y: str
    x_axis: dict[str, Any] | None = None
    y_axis: dict[str, Any] | None = None


def panels(
    theme: Theme,
    these: Sequence[Panel],
    *,
    columns: int = 2,
    height: int | Sequence[int] = 300,
    narrow: Sequence[int] | None = None,
    legend: bool = True,
) -> go.Figure:
    """An empty figure with axes for every panel, row by row.

    Args:
        theme: Paper and ink.
        these: From left to right, then down.
        columns: Panels of a row on a wide page.
        height: Of the panels in pixels, or one height for each row.
        narrow: Of each panel on a narrow page; None: as far as a phone has room.
        legend: Whether to leave a line for it.

    Example:
        >>> from normlab.figures.kit.theme import LIGHT
        >>> figure = panels(LIGHT, [Panel(x="step", y="loss")] * 2)
        >>> figure.layout.xaxis2.title.text, figure.layout.meta["narrow"]["height"]
        ('step', 672)
    """
    columns = min(columns, len(these))
    rows = -(-len(these) // columns)
    heights = [height] * rows if isinstance(height, int) else list(height)
    noted = LINE * max(_lines(panel.note) for panel in these)
    below = LINE * max(_lines(panel.x) - 1 for panel in these)
    top = (
        noted
        + (TOP if legend else 0)
        + (ABOVE if any(panel.title for panel in these) else 0)
    )
    bottom, gap = BOTTOM + below, GAP + noted + below
    layout: dict[str, Any] = {
        "template": theme.template(),
        "margin": {"l": SIDE, "r": 16, "t": top, "b": bottom},
        "height": top + bottom + _inner(heights, gap),
        "annotations": [
            text
            for i, panel in enumerate(these)
            for text in _texts(panel, axis_number(i), theme)
        ],
    }
    for i, panel in enumerate(these):
        n = axis_number(i)
        x, y = _domains(i, columns, heights, gap)
        layout[f"xaxis{n}"] = {
            "domain": x,
            "anchor": f"y{n}",
            "title": {"text": panel.x},
            **(panel.x_axis or {}),
        }
        layout[f"yaxis{n}"] = {
            "domain": y,
            "anchor": f"x{n}",
            "title": {"text": panel.y},
            **(panel.y_axis or {}),
        }
    if columns > 1:
        fewer = [min(one, NARROW_HEIGHT) for one in heights for _ in range(columns)]
        patch = _narrow(narrow or fewer[: len(these)], gap, around=top + bottom)
        layout["meta"] = {"narrow": patch}
    return go.Figure(layout=layout)


def axis_number(i: int) -> str:
    """Plotly counts axes from 1 and leaves that number away."""
    return "" if i == 0 else str(i + 1)


def on(i: int) -> dict[str, str]:
    """The axes of panel `i`, for a trace.

    Example:
        >>> on(0), on(1)
        ({'xaxis': 'x', 'yaxis': 'y'}, {'xaxis': 'x2', 'yaxis': 'y2'})
    """
    return {"xaxis": f"x{axis_number(i)}", "yaxis": f"y{axis_number(i)}"}


def _narrow(heights: Sequence[int], gap: int, *, around: int) -> dict[str, Any]:
    """The patch that puts all panels below each other."""
    patch: dict[str, Any] = {"height": around + _inner(heights, gap)}
    for i in range(len(heights)):
        x, y = _domains(i, 1, heights, gap)
        patch[f"xaxis{axis_number(i)}.domain"] = x
        patch[f"yaxis{axis_number(i)}.domain"] = y
    return patch


def _inner(heights: Sequence[int], gap: int) -> int:
    return sum(heights) + (len(heights) - 1) * gap


def _domains(
    i: int, columns: int, heights: Sequence[int], gap: int
) -> tuple[list[float], list[float]]:
    row, column = divmod(i, columns)
    above = sum(heights[:row]) + row * gap
    top = 1 - above / _inner(heights, gap)
    bottom = top - heights[row] / _inner(heights, gap)
    between = 0.09 if columns == 2 else 0.07
    width = (1 - between * (columns - 1)) / columns
    left = column * (width + between)
    x = [round(left, 5), round(min(left + width, 1.0), 5)]
    return x, [round(max(bottom, 0.0), 5), round(top, 5)]


def _lines(text: str) -> int:
    return text.count("<br>") + 1 if text else 0


def _texts(panel: Panel, n: str, theme: Theme) -> list[dict[str, Any]]:
    """Title and note, tied to the panel's upper left corner."""
    place = {
        "xref": f"x{n} domain",
        "yref": f"y{n} domain",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "align": "left",
        "showarrow": False,
    }
    texts = []
    if panel.title:
        up = 6 + LINE * _lines(panel.note)
        font = {"size": 13, "color": css(theme.ink)}
        text = f"<b>{panel.title}</b>"
        texts.append({**place, "text": text, "yshift": up, "font": font})
    if panel.note:
        font = {"size": 12, "color": css(theme.muted)}
        texts.append({**place, "text": panel.note, "yshift": 4, "font": font})
    return texts
