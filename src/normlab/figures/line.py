"""The loss on the line between two networks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from normlab.errors import NotMeasured
from normlab.figures.kit.curves import add_line, log_axis
from normlab.figures.kit.marks import add_upright
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.plane import axis_titles, measured, unit_of, words
from normlab.figures.kit.theme import LIGHT, Style, Theme, css
from normlab.records.surface import Mark, Surface

HEIGHT = 320  # pixels
FACTOR = 20  # between the losses, from which on an axis of logarithms is better


def draw_lines(lines: Mapping[str, Surface], theme: Theme = LIGHT) -> go.Figure:
    """Loss against the position, the networks marked with what they really have.

    Args:
        lines: Surfaces of one row on one line, by their names in the legend.
        theme: Paper and ink.

    Raises:
        NotMeasured: If no point of any has a finite loss.
    """
    first = next(iter(lines.values()))
    losses = [_losses(one) for one in lines.values()]
    every = np.concatenate(losses)
    every = every[np.isfinite(every)]
    if not every.size:
        raise NotMeasured("no point of any line has a finite loss")
    steep = every.min() > 0 and every.max() / every.min() > FACTOR
    unit = unit_of(lines.values())
    what = f"{unit} per example" if unit else ""
    scale = "log scale" if steep else ""
    about = ", ".join(part for part in (what, scale) if part)
    figure = panels(
        theme,
        [
            Panel(
                title=next(iter(lines)) if len(lines) == 1 else "loss",
                note="<br>".join(measured(lines.values())),
                x=_position(first),
                y=f"loss ({about})" if about else "loss",
                x_axis={"showgrid": False},
                y_axis=log_axis(losses) if steep else None,
            )
        ],
        columns=1,
        height=HEIGHT,
        legend=len(lines) > 1,
    )
    for mark in first.marks:
        add_upright(figure, 0, mark.a, theme)
    for (name, line), style in zip(
        lines.items(),
        theme.styles({name: name for name in lines}).values(),
        strict=True,
    ):
        add_line(
            figure,
            line.a,
            line.loss[0],
            style=style,
            name=name,
            showlegend=len(lines) > 1,
            hovertemplate=f"%{{x:.3g}}: loss %{{y:.4g}} {line.unit}<extra></extra>",
            **on(0),
        )
        _add_marks(figure, line, style)
    for mark in first.marks:
        _add_name(figure, mark, theme)
    return figure


def _losses(line: Surface) -> np.ndarray:
    """All that are shown: on the line and of real networks."""
    real = [m.true_loss for m in line.marks if m.true_loss is not None]
    return np.append(line.loss.ravel(), real)


def _position(line: Surface) -> str:
    if line.plane != "line" or len(line.marks) != 2:
        return axis_titles(line)[0]
    one, other = (mark.name for mark in line.marks)
    distance = line.facts.get("distance")
    apart = f", {distance:.3g} apart in weights" if distance is not None else ""
    return f"from {one} (0) to {other} (1){apart}"


def _add_marks(figure: go.Figure, line: Surface, style: Style) -> None:
    """Full where a network really was, hollow at the line's own loss else."""
    for mark in line.marks:
        loss = mark.plane_loss if mark.true_loss is None else mark.true_loss
        if loss is None:
            continue
        figure.add_scatter(
            x=[mark.a],
            y=[loss],
            mode="markers",
            marker={
                "symbol": "diamond-open" if mark.true_loss is None else "diamond",
                "size": 12,
                "color": style.colour(),
            },
            text=[words(mark.name, mark, on="line")],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
            **on(0),
        )


def _add_name(figure: go.Figure, mark: Mark, theme: Theme) -> None:
    """Beside its upright, at the upper edge."""
    figure.add_annotation(
        text=mark.name,
        x=mark.a,
        y=1,
        xref="x",
        yref="y domain",
        xanchor="left",
        yanchor="top",
        xshift=4,
        showarrow=False,
        font={"size": 12, "color": css(theme.ink)},
        bgcolor=css(theme.paper, 0.85),
    )
