"""One neuron's activations before and after normalising, moment by moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from normlab.figures.kit.curves import Numbers, hundredths, single
from normlab.figures.kit.observed import at_path, first_of, seen
from normlab.figures.kit.over_batch import over_batch
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.slider import frames, slider
from normlab.figures.kit.theme import LIGHT, Style, Theme, css
from normlab.records.observed.activations import ActivationArrays
from normlab.records.observed.contract import Place

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

BINS = 44


class Neuron(NamedTuple):
    """What one arm's neuron gives for the same images at every moment."""

    title: str
    arm: str
    values: Numbers  # (steps, images)
    normalised: bool


def draw_one_neuron(
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
        kind: _edges([one.values for one in those if one.normalised is kind])
        for kind in (False, True)
    }
    shares = [_shares(one.values, edges[one.normalised]) for one in those]
    top = 1.08 * max(float(share.max()) for share in shares)
    figure = panels(
        theme,
        [
            Panel(
                title=one.title,
                x="normalised value" if one.normalised else "activation",
                y="images (%)",
                x_axis={"range": _range(edges[one.normalised])},
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


def _edges(values: Sequence[Numbers]) -> Numbers:
    if not values:
        return np.linspace(-1, 1, BINS + 1)
    everything = np.concatenate([one.ravel() for one in values])
    everything = everything[np.isfinite(everything)]
    if not everything.size:
        return np.linspace(-1, 1, BINS + 1)
    low, high = float(everything.min()), float(everything.max())
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def _range(edges: Numbers) -> list[float]:
    return [float(edges[0]), float(edges[-1])]


def _shares(values: Numbers, edges: Numbers) -> Numbers:
    """Per cent of the images in every bin, shape `(steps, bins)`."""
    counts = [np.histogram(row[np.isfinite(row)], edges)[0] for row in values]
    return single(100 * np.array(counts) / values.shape[1])


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = first_of(seen(result, ActivationArrays))
    arm, place = over_batch(runs)
    norm = runs[arm].norms[place]
    assert norm.x_values is not None and norm.xhat_values is not None
    labels = result.record.spec.labels
    those = [
        *_without(result, runs, arm, place),
        Neuron(f"{labels[arm]}: before", arm, norm.x_values, normalised=False),
        Neuron(f"{labels[arm]}: after", arm, norm.xhat_values, normalised=True),
    ]
    step = [int(s) for s in runs[arm].steps]
    styles = theme.styles(labels)
    words = "; ".join(_words(one, step) for one in those)
    alt = f"Neuron {norm.unit} at {place.path}. {words}."
    return Drawn(draw_one_neuron(step, those, styles, theme), alt)


def _without(
    result: StudyResult, runs: Mapping[str, ActivationArrays], arm: str, norm: Place
) -> list[Neuron]:
    """The same neuron of the baseline, where that has no norm and the same moments."""
    baseline = result.record.spec.baseline.name
    called = result.record.spec.labels[baseline]
    if baseline == arm or baseline not in runs:
        return []
    own, other = runs[arm], runs[baseline]
    # what the norm gives to the arm's own nonlinearity
    behind = [place.path for place in own.hidden if place.number >= norm.number]
    same = at_path(other.hidden, behind[0]) if behind else None
    if same is None or not np.array_equal(own.steps, other.steps):
        return []
    if own.norms[norm].unit != same.unit:
        return []
    return [Neuron(called, baseline, same.in_values, normalised=False)]


def _words(one: Neuron, step: Sequence[int]) -> str:
    shown = [m for m, s in enumerate(step) if s in (1, 10, 100) or m == len(step) - 1]
    values = one.values.astype(np.float64)  # squares of what diverges overflow sooner
    at = ", ".join(
        f"{hundredths(values[m].mean())} ± {hundredths(values[m].std())} "
        f"at step {step[m]:,}"
        for m in shown
    )
    return f"{one.title}: mean and deviation {at}"


KIND = FigureKind(
    id="one-neuron",
    section="neuron",
    of_one_setting=True,
    title="One neuron before and after normalising",
    reading=(
        "Move the slider through training (Madushanka 2024: steps 1, 10 and 100): "
        "the bars are what one neuron gives for 512 images, the grey outline what it "
        "gave at first. Before normalising they may wander and widen; after it they "
        "stay around 0 with variance 1, whatever the layers below do."
    ),
    draw=_draw,
)
