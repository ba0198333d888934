"""Batch norm by hand: one neuron, eight real images, the real numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from normlab.figures.kit.curves import Numbers, hundredths, single
from normlab.figures.kit.marks import add_level
from normlab.figures.kit.observed import first_of, seen
from normlab.figures.kit.over_batch import over_batch
from normlab.figures.kit.panels import BOTTOM, Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.slider import frames, slider
from normlab.figures.kit.theme import LIGHT, Style, Theme
from normlab.records.observed.activations import ActivationArrays
from normlab.records.observed.contract import Array, Place

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult


EPSILON = 1e-5  # torch's, if nobody sets another
NEAR = 0.15  # of the axis: the height of a text


@dataclass(frozen=True, kw_only=True, eq=False)
class ByHand:
    """One neuron of one norm at one moment, for a few images of a batch."""

    images: Numbers | None  # (k, height, width), as the network sees them
    labels: Numbers  # (k,)
    x: Numbers  # (k,)
    gamma: float
    beta: float

    @property
    def mean(self) -> float:
        """Of the images that are shown."""
        return float(np.mean(self.x, dtype=np.float64))

    @property
    def variance(self) -> float:
        """Of the images that are shown; divided by their number."""
        return float(np.var(self.x, dtype=np.float64))

    def stages(self) -> list[tuple[str, Numbers]]:
        """What is done, in words with its numbers, and what it gives."""
        mean, variance, gamma, beta = map(
            hundredths, (self.mean, self.variance, self.gamma, self.beta)
        )
        away = self.x - self.mean
        xhat = away / np.sqrt(self.variance + EPSILON)
        n = len(self.x)
        return [
            (f"1 of 4: x; its mean over these {n} is μ = Σ x / {n} = {mean}", self.x),
            (f"2 of 4: x − μ; σ² = Σ (x − μ)² / {n} = {variance}", away),
            ("3 of 4: x̂ = (x − μ) / √(σ² + ε), with ε = 0.00001", xhat),
            (
                f"4 of 4: γ x̂ + β, with γ = {gamma} and β = {beta}",
                self.gamma * xhat + self.beta,
            ),
        ]


def draw_by_hand(hand: ByHand, style: Style, theme: Theme = LIGHT) -> go.Figure:
    """The numbers above their images, and a slider over the four stages.

    Args:
        hand: What is shown.
        style: Of the arm.
        theme: Paper and ink.
    """
    stages = hand.stages()
    everything = np.concatenate([values for _, values in stages])
    pad = 0.18 * max(float(np.ptp(everything)), 1e-6)
    rows = [
        Panel(
            x="label of the image",
            y="value",
            x_axis=_labels_axis(hand),
            y_axis={"range": [everything.min() - pad, everything.max() + pad]},
        )
    ]
    if hand.images is not None:
        rows.append(_strip(hand))
    figure = panels(theme, rows, columns=1, height=[260, 110][: len(rows)])
    add_level(figure, 0, 0.0, theme)
    first = stages[0][1]
    _add_values(figure, 0, first, style)
    if hand.images is not None:
        _add_images(figure, 1, hand.images)
    figure.frames = frames(
        [
            [
                {
                    "type": "scatter",
                    "y": single(values),
                    "text": _texts(values),
                    "textposition": _sides(values),
                }
            ]
            for _, values in stages
        ],
        [0],
    )
    layout = figure.to_dict()["layout"]
    unused = BOTTOM - 12 if hand.images is not None else 0  # images have no axis below
    return figure.update_layout(
        height=layout["height"] - unused,
        margin={"b": BOTTOM - unused},
        sliders=[slider([words for words, _ in stages], prefix="")],
    )


def draw_stages(hand: ByHand, style: Style, theme: Theme = LIGHT) -> go.Figure:
    """All four stages at once, for paper: a panel each, with the same numbers.

    Args:
        hand: What is shown.
        style: Of the arm.
        theme: Paper and ink.
    """
    stages = hand.stages()
    pad = [0.25 * max(float(np.ptp(values)), 1e-6) for _, values in stages]
    rows = [
        Panel(
            title=words,
            x="label of the image",
            y="value",
            x_axis=_labels_axis(hand),
            y_axis={"range": [values.min() - more, values.max() + more]},
        )
        for (words, values), more in zip(stages, pad, strict=True)
    ]
    strips = 0 if hand.images is None else 2  # one below each column
    rows += [_strip(hand)] * strips
    heights = [180, 180, 70][: len(rows) // 2]
    figure = panels(theme, rows, height=heights, legend=False)
    for i, (_, values) in enumerate(stages):
        add_level(figure, i, 0.0, theme)
        _add_values(figure, i, values, style)
    if hand.images is not None:
        for i in range(strips):
            _add_images(figure, len(stages) + i, hand.images)
    return figure


def _strip(hand: ByHand) -> Panel:
    """A row of images in the places of their labels, without axes."""
    hidden = {"visible": False}
    return Panel(
        x="",
        y="",
        x_axis={**_labels_axis(hand), **hidden},
        y_axis={**hidden, "range": [0, 1]},
    )


def _labels_axis(hand: ByHand) -> dict[str, object]:
    return {
        "tickvals": list(range(len(hand.x))),
        "ticktext": [str(label) for label in hand.labels.tolist()],
        "range": [-0.6, len(hand.x) - 0.4],
        "showgrid": False,
    }


def _add_values(figure: go.Figure, i: int, values: Numbers, style: Style) -> None:
    figure.add_scatter(
        x=list(range(len(values))),
        y=single(values),
        mode="markers+text",
        text=_texts(values),
        textposition=_sides(values),
        marker={"color": style.colour(), "symbol": style.marker, "size": 11},
        hovertemplate="%{y:.4f}<extra></extra>",
        showlegend=False,
        **on(i),
    )


def _texts(values: Numbers) -> list[str]:
    return [hundredths(value) for value in values.tolist()]


def _sides(values: Numbers) -> list[str]:
    """Where each text stands: away from zero, but not beside its neighbour's.

    Example:
        >>> _sides(np.array([-0.5, -0.6, 2.0]))
        ['bottom center', 'top center', 'top center']
    """
    near = NEAR * float(np.ptp(values))
    above: list[bool] = []
    for i, value in enumerate(values.tolist()):
        beside = i > 0 and abs(value - values[i - 1]) < near
        above.append(not above[-1] if beside else value > 0)
    return ["top center" if up else "bottom center" for up in above]


def _add_images(figure: go.Figure, i: int, images: Numbers) -> None:
    """Each image below its label in panel `i`, as a picture: paper shows it too."""
    low, high = float(images.min()), float(images.max())
    pixels = np.round(255 * (images - low) / max(high - low, 1e-9)).astype(np.uint8)
    axes = on(i)
    for place, image in enumerate(pixels):
        figure.add_layout_image(
            # sharp: browsers blur what they enlarge
            source=Image.fromarray(image.repeat(4, axis=0).repeat(4, axis=1)),
            x=place,
            y=0.5,
            sizex=0.94,
            sizey=1,
            xanchor="center",
            yanchor="middle",
            sizing="contain",
            xref=axes["xaxis"],
            yref=axes["yaxis"],
        )


def _grey(shown: Numbers) -> Numbers | None:
    """Images of any channels as (k, height, width); None for other data."""
    if shown.ndim == 4:
        return shown.mean(axis=1)
    return shown if shown.ndim == 3 else None


def by_hand(seen: ActivationArrays, place: Place) -> ByHand:
    """The chosen unit of a norm at the last moment that was looked at."""
    norm = seen.norms[place]

    def last(values: Array | None, otherwise: float) -> float:
        return otherwise if values is None else float(values[-1, norm.unit])

    count = len(seen.shown)
    assert norm.x_values is not None
    return ByHand(
        images=_grey(seen.shown),
        labels=seen.labels[:count],
        x=norm.x_values[-1, :count],
        gamma=last(norm.gamma, 1.0),
        beta=last(norm.beta, 0.0),
    )


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = first_of(seen(result, ActivationArrays))
    arm, norm = over_batch(runs)
    hand = by_hand(runs[arm], norm)
    style = theme.styles(result.record.spec.labels)[arm]
    words = "; ".join(
        f"{name}: {', '.join(_texts(values))}" for name, values in hand.stages()
    )
    alt = f"A neuron at {norm.path} {style.label} at the end of training. {words}."
    still = draw_stages(hand, style, theme)
    return Drawn(draw_by_hand(hand, style, theme), alt, still)


KIND = FigureKind(
    id="by-hand",
    section="neuron",
    of_one_setting=True,
    title="Batch norm by hand",
    reading=(
        "Eight real images and the number that one neuron gives for each, normalised "
        "as if they were the whole batch, so that you can compute every number "
        "again. Step through: take the mean away, divide by the deviation, then scale "
        "and shift by what was learnt. The order of the images never changes, only "
        "where zero is and how long one unit is."
    ),
    draw=_draw,
)
