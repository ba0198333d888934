"""What is marked on a plane: the path, named places, and the real losses there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import plotly.graph_objects as go

from normlab.figures.kit.loss_scale import LossScale
from normlab.figures.kit.panels import on
from normlab.figures.kit.plane import LabeledMark, paths, places, words
from normlab.figures.kit.theme import ON_COLOUR, SEQUENTIAL, TRACK, Theme, css
from normlab.records.surface import Mark, Surface

RIM = "#1b1f24"  # seen on pale areas, on either paper
LINES = (
    {"color": TRACK, "dash": "solid"},
    {"color": "#000000", "dash": "dash"},
    {"color": "#0072b2", "dash": "dot"},
    {"color": "#007a59", "dash": "dashdot"},
    {"color": "#b2508c", "dash": "longdash"},
)
"""Of ways across coloured areas; told apart by dash as well."""
APART = 0.035  # of the panel's width: a dot nearer to a named place is not drawn


def add_path(figure: go.Figure, i: int, surface: Surface) -> None:
    """Each way as a line, into panel `i`; several have a legend."""
    for line, (name, steps) in _ways(surface):
        seen = {
            "x": [mark.a for mark in steps],
            "y": [mark.b for mark in steps],
            "mode": "lines",
            "text": [words(mark.name, mark) for mark in steps],
            "hovertemplate": "%{text}<extra></extra>",
            "legendgroup": name,
            "name": name,
            **on(i),
        }
        rim = {"color": ON_COLOUR, "width": 5 if not name else 6}
        figure.add_scatter(line=rim, showlegend=False, **seen)
        figure.add_scatter(line={**line, "width": 2}, showlegend=bool(name), **seen)


def add_real_losses(
    figure: go.Figure, i: int, surface: Surface, scale: LossScale
) -> None:
    """Where a network of the path really was, in the colour of the loss it had there.

    Dots on the way, diamonds at named places.

    Args:
        figure: Is drawn into.
        i: Its panel.
        surface: Has the marks.
        scale: Of the losses.
    """
    for line, (name, steps) in _ways(surface):
        # several ways are told apart where their dots hide the lines, too
        rim = line["color"] if name else ON_COLOUR
        dots = _apart([LabeledMark(mark.name, mark) for mark in steps], surface)
        _add_coloured(figure, i, dots, scale, size=9, symbol="circle", rim=rim)
    _add_coloured(figure, i, places(surface), scale, size=14, symbol="diamond")


def add_hollow(figure: go.Figure, i: int, these: Sequence[LabeledMark]) -> None:
    """Named places where no network of this path ever was."""
    hollow = {"size": 12, "symbol": "diamond-open", "color": ON_COLOUR}
    hollow |= {"line": {"width": 2.5}}
    _scatter(figure, i, these, hollow)


def add_places(figure: go.Figure, i: int, surface: Surface) -> None:
    """Named places on colours that are no losses: white, with a dark rim."""
    white = {"size": 12, "symbol": "diamond", "color": ON_COLOUR}
    white |= {"line": {"width": 2, "color": RIM}}
    _scatter(figure, i, places(surface), white)


def add_names(figure: go.Figure, i: int, surface: Surface, theme: Theme) -> None:
    """The names of places, on the side where the path does not go."""
    these = places(surface)
    middle = np.mean([mark.b for mark in surface.marks]) if these else 0.0
    for label, mark in these:
        up = mark.b >= middle
        figure.add_annotation(
            text=label,
            x=mark.a,
            y=mark.b,
            xref=on(i)["xaxis"],
            yref=on(i)["yaxis"],
            yanchor="bottom" if up else "top",
            yshift=11 if up else -11,
            showarrow=False,
            borderpad=2,
            font={"size": 12, "color": css(theme.ink)},
            bgcolor=css(theme.paper, 0.85),
        )


def _ways(surface: Surface) -> Iterator[tuple[dict[str, str], tuple[str, list[Mark]]]]:
    """Each way with how its line looks."""
    return zip(cycle(LINES), paths(surface).items(), strict=False)


def _apart(steps: Sequence[LabeledMark], surface: Surface) -> list[LabeledMark]:
    """Those that do not lie below the symbol of a named place."""
    nearest = APART * max(np.ptp(surface.a), np.ptp(surface.b))
    named = [place.mark for place in places(surface)]
    return [
        step
        for step in steps
        if all(np.hypot(step.mark.a - m.a, step.mark.b - m.b) > nearest for m in named)
    ]


def _add_coloured(
    figure: go.Figure,
    i: int,
    these: Sequence[LabeledMark],
    scale: LossScale,
    *,
    size: int,
    symbol: str,
    rim: str = ON_COLOUR,
) -> None:
    real = [(place, place.mark.true_loss) for place in these]
    known = [(place, loss) for place, loss in real if loss is not None]
    colour = scale.at(np.array([loss for _, loss in known]))
    marker = {
        "size": size,
        "symbol": symbol,
        "color": colour.tolist(),
        # not the contours' own axis: plotly.js 4.1 never comes back from sharing it
        "colorscale": SEQUENTIAL,
        "cmin": scale.low,
        "cmax": scale.high,
        "line": {"color": rim, "width": 1.5},
    }
    _scatter(figure, i, [place for place, _ in known], marker)


def _scatter(
    figure: go.Figure, i: int, these: Sequence[LabeledMark], marker: dict[str, Any]
) -> None:
    if these:
        figure.add_scatter(
            x=[place.mark.a for place in these],
            y=[place.mark.b for place in these],
            mode="markers",
            marker=marker,
            text=[words(*place) for place in these],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
            **on(i),
        )
