"""Percentiles 15, 50 and 85 over training, of a whole layer and of one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from normlab.figures.drift import layers
from normlab.figures.kit import steps
from normlab.figures.kit.curves import Numbers, add_band, add_line
from normlab.figures.kit.observed import at_path, first_of, seen
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind, in_words
from normlab.figures.kit.theme import LIGHT, Style, Theme
from normlab.records.observed.activations import ActivationArrays

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult


class Percentiles(NamedTuple):
    """Of one arm in one panel, at every moment."""

    panel: int
    arm: str
    step: Numbers  # (steps,)
    values: Numbers  # (steps, 3): 15, 50, 85


def draw_percentiles(
    titles: Sequence[str],
    those: Sequence[Percentiles],
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """A band between percentiles 15 and 85 around the median, per panel and arm.

    Args:
        titles: Of the panels, from left to right, then down.
        those: What goes into them.
        styles: Of every arm.
        theme: Paper and ink.
    """
    figure = panels(
        theme,
        [
            Panel(
                title=title,
                x=steps.TITLE,
                y="input of the nonlinearity",
                x_axis=steps.AXIS,
                # both panels of a layer share a scale
                y_axis={"matches": f"y{i if i > 1 else ''}"} if i % 2 else None,
            )
            for i, title in enumerate(titles)
        ],
        height=230,
    )
    told: set[str] = set()
    for panel, arm, step, values in those:
        x, axes = steps.at(step), on(panel)
        low, middle, high = values.T
        style = styles[arm]
        add_band(figure, x, low, high, style=style, name=style.label, **axes)
        add_line(
            figure,
            x,
            middle,
            style=style,
            name=style.label,
            showlegend=arm not in told,
            **axes,
        )
        told.add(arm)
    return figure


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = first_of(seen(result, ActivationArrays))
    titles: list[str] = []
    those: list[Percentiles] = []
    for rank, path in layers(runs.values()):
        for whom in ("all units", "one unit"):
            for arm, of in runs.items():
                if here := at_path(of.hidden, path):
                    every, one = here.in_percentiles, here.in_unit_percentiles
                    values = every if whom == "all units" else one
                    those.append(Percentiles(len(titles), arm, of.steps, values))
            titles.append(f"layer {rank} ({path}), {whom}")
    styles = theme.styles(result.record.spec.labels)
    words = in_words(
        f"{titles[one.panel]}, {styles[one.arm].label}: median "
        f"{one.values[0, 1]:.2g} at first, {one.values[-1, 1]:.2g} at the end"
        for one in those
        if "all units" in titles[one.panel]
    )
    return Drawn(draw_percentiles(titles, those, styles, theme), f"{words}.")


KIND = FigureKind(
    id="percentiles",
    section="neuron",
    of_one_setting=True,
    title="Where the activations are, from the first step to the last",
    reading=(
        "The line is the median of what enters the nonlinearity over 512 images, the "
        "shaded part reaches from percentile 15 to 85 (first seed): a band that moves "
        "or widens is a layer whose input keeps changing while it learns. Of "
        "each layer all units and one, as in Figure 1 of the paper of 2015."
    ),
    draw=_draw,
)
