"""One neuron's activations with a slider over all moments that were looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from normlab.figures.kit.curves import single
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.slider import frames, slider
from normlab.figures.kit.theme import LIGHT, Style, Theme, css
from normlab.figures.one_neuron import (
    Neuron,
    draw_one_neuron,
    edges_of,
    neuron_of,
    range_of,
    shares_of,
)

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult


def draw_neuron_by_step(
    step: Sequence[int],
    those: Sequence[Neuron],
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """A histogram per panel and a slider over the moments.

    Raw values share one axis, normalised values another, at all moments.

    Args:
        step: Of every moment.
        those: One per panel.
        styles: Of every arm.
        theme: Paper and ink.
    """
    edges = {
        kind: edges_of([one.values for one in those if one.normalised is kind])
        for kind in (False, True)
    }
    shares = [shares_of(one.values, edges[one.normalised]) for one in those]
    top = 1.08 * max(float(share.max()) for share in shares)
    figure = panels(
        theme,
        [
            Panel(
                title=one.title,
                x="normalised value" if one.normalised else "activation",
                y="images (%)",
                x_axis={"range": range_of(edges[one.normalised])},
                y_axis={"range": [0, top]},
            )
            for one in those
        ],
        columns=len(those),
        height=250,
    )
    for i, (one, share) in enumerate(zip(those, shares, strict=True)):
        middle = (edges[one.normalised][1:] + edges[one.normalised][:-1]) / 2
        style = styles[one.arm]
        figure.add_bar(
            x=single(middle),
            y=share[-1],
            marker={"color": style.colour(0.65)},
            name=style.label,
            showlegend=False,
            hovertemplate="%{x:.2f}: %{y:.1f} % of the images<extra></extra>",
            **on(i),
        )
        figure.add_scatter(
            x=single(middle),
            y=share[0],
            mode="lines",
            line={"color": css(theme.muted), "width": 1.3, "shape": "hvh"},
            name=f"at step {step[0]}",
            showlegend=i == 0,
            legendgroup="first",
            hoverinfo="skip",
            **on(i),
        )
    bars = list(range(0, 2 * len(those), 2))
    figure.frames = frames(
        [
            [{"type": "bar", "y": share[m]} for share in shares]
            for m in range(len(step))
        ],
        bars,
    )
    figure.update_layout(
        bargap=0,
        sliders=[
            slider([f"{s:,}" for s in step], prefix="step ", active=len(step) - 1)
        ],
    )
    return figure


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    found = neuron_of(result)
    styles = theme.styles(result.record.spec.labels)
    figure = draw_neuron_by_step(found.step, found.sides, styles, theme)
    still = draw_one_neuron(found.step, found.sides, styles, theme)
    return Drawn(figure, found.words(), still)


KIND = FigureKind(
    id="neuron-by-step",
    section="neuron",
    of_one_setting=True,
    title="The same neuron, step by step",
    reading=(
        "Play it, or move the slider through training: the bars are what the neuron "
        "gives for 512 images, the grey outline what it gave at first."
    ),
    draw=_draw,
)
