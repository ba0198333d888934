"""Learnt scale gamma and shift beta of every norm over training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.text.layout import spread
from normlab.errors import NotMeasured
from normlab.figures.kit import steps
from normlab.figures.kit.curves import Numbers, add_band, add_line
from normlab.figures.kit.observed import first_of, seen
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind, in_words
from normlab.figures.kit.theme import LIGHT, Style, Theme
from normlab.records.observed.activations import ActivationArrays

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

MAX_NORMS = 3


class Learnt(NamedTuple):
    """One parameter of one arm's norm."""

    panel: int
    arm: str
    step: Numbers  # (steps,)
    values: Numbers  # (steps, units)


def draw_scale_shift(
    titles: Sequence[str],
    those: Sequence[Learnt],
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """Median over units and the middle 70 % of them, gamma left and beta right.

    Args:
        titles: Of the panels, gamma and beta in turns.
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
                y=("shift β" if i % 2 else "scale γ"),
                x_axis=steps.AXIS,
                # one scale for all gammas, one for all betas
                y_axis={"matches": "y2" if i % 2 else "y"} if i > 1 else None,
            )
            for i, title in enumerate(titles)
        ],
        height=220,
    )
    told: set[str] = set()
    for panel, arm, step, values in those:
        x, axes = steps.at(step), on(panel)
        low, middle, high = np.percentile(values, (15, 50, 85), axis=1)
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
    those: list[Learnt] = []
    for arm, of in runs.items():
        norms = [(p, norm) for p, norm in of.norms.items() if norm.gamma is not None]
        for i in spread(range(len(norms)), MAX_NORMS):
            place, norm = norms[i]
            for what, values in (("scale γ", norm.gamma), ("shift β", norm.beta)):
                title = f"{place.path}, {what}"
                if title not in titles:
                    titles.append(title)
                if values is not None:
                    panel = titles.index(title)
                    those.append(Learnt(panel, arm, of.steps, values))
    if not those:
        raise NotMeasured("no arm has a norm with scale and shift")
    styles = theme.styles(result.record.spec.labels)
    words = in_words(
        f"{titles[one.panel]} {styles[one.arm].label}: median "
        f"{np.median(one.values[-1]):.3g}"
        for one in those
    )
    alt = f"At the end {words}."
    return Drawn(draw_scale_shift(titles, those, styles, theme), alt)


KIND = FigureKind(
    id="scale-shift",
    section="curious",
    of_one_setting=True,
    title="What the network makes of its freedom: γ and β",
    reading=(
        "After normalising, each unit may choose its own scale γ (it starts at 1) and "
        "shift β (from 0). The line is the median over units, the band holds the "
        "middle 70 % of them (first seed)."
    ),
    draw=_draw,
)
