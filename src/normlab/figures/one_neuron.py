"""One neuron's activations before and after normalising, moment by moment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from normlab.figures.kit.curves import Numbers, hundredths, single
from normlab.figures.kit.observed import at_path, first_of, seen
from normlab.figures.kit.over_batch import over_batch
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.theme import LIGHT, Style, Theme
from normlab.records.observed.activations import ActivationArrays
from normlab.records.observed.contract import Place

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

BINS = 44
ARTICLE = (1, 10, 100)  # steps


class Neuron(NamedTuple):
    """What one arm's neuron gives for the same images at every moment."""

    title: str
    arm: str
    values: Numbers  # (steps, images)
    normalised: bool


class OneNeuron(NamedTuple):
    """One neuron at all moments: without a norm, before it and after it."""

    called: str
    """Which one, and where."""
    step: tuple[int, ...]
    """Of every moment."""
    sides: tuple[Neuron, ...]

    def words(self) -> str:
        """Mean and deviation at the moments of the article, for the words beside."""
        told = "; ".join(_words(one, self.step) for one in self.sides)
        return f"{self.called}. {told}."


def draw_one_neuron(
    step: Sequence[int],
    those: Sequence[Neuron],
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """A row for each side of the norm, a column for each moment of the article.

    Raw values share one axis, normalised values another, at all moments.

    Args:
        step: Of every moment.
        those: One per row.
        styles: Of every arm.
        theme: Paper and ink.
    """
    moments = moments_of(step)
    edges = {
        kind: edges_of([one.values[moments] for one in those if one.normalised is kind])
        for kind in (False, True)
    }
    shares = [shares_of(one.values[moments], edges[one.normalised]) for one in those]
    top = 1.08 * max(float(share.max()) for share in shares)
    cells = [(one, k) for one in those for k in range(len(moments))]
    figure = panels(
        theme,
        [
            Panel(
                title=one.title,
                note=f"step {step[moments[k]]:,}<br>"
                f"{_moments_text(one.values[moments[k]])}",
                x="normalised value" if one.normalised else "activation",
                y="images (%)",
                x_axis={"range": range_of(edges[one.normalised])},
                y_axis={"range": [0, top]},
            )
            for one, k in cells
        ],
        columns=len(moments),
        height=130,
    )
    for i, (one, k) in enumerate(cells):
        within = edges[one.normalised]
        figure.add_bar(
            x=single((within[1:] + within[:-1]) / 2),
            y=shares[i // len(moments)][k],
            marker={"color": styles[one.arm].colour(0.65)},
            name=styles[one.arm].label,
            showlegend=False,
            hovertemplate="%{x:.2f}: %{y:.1f} % of the images<extra></extra>",
            **on(i),
        )
    return figure.update_layout(bargap=0)


def moments_of(step: Sequence[int]) -> list[int]:
    """Which moments come nearest to the article's, and the last one.

    Example:
        >>> moments_of([0, 1, 8, 90, 400]), moments_of([0, 5])
        ([1, 2, 3, 4], [1])
    """
    after = [m for m, s in enumerate(step) if s > 0] or list(range(len(step)))
    nearest = [
        min(after, key=lambda m: abs(math.log(max(step[m], 1) / wanted)))
        for wanted in ARTICLE
    ]
    return sorted({*nearest, after[-1]})


def _moments_text(values: Numbers) -> str:
    return f"mean {_mean_std(values)[0]}, deviation {_mean_std(values)[1]}"


def _mean_std(values: Numbers) -> tuple[str, str]:
    wide = values.astype(np.float64)  # squares of what diverges overflow sooner
    return hundredths(wide.mean()), hundredths(wide.std())


def neuron_of(result: StudyResult) -> OneNeuron:
    """The neuron in front of the first norm over the batch.

    Raises:
        NotMeasured: If there is none, or the study did not look.
    """
    runs = first_of(seen(result, ActivationArrays))
    arm, place = over_batch(runs)
    norm = runs[arm].norms[place]
    assert norm.x_values is not None and norm.xhat_values is not None
    labels = result.record.spec.labels
    sides = (
        *_without(result, runs, arm, place),
        Neuron(f"{labels[arm]}: before", arm, norm.x_values, normalised=False),
        Neuron(f"{labels[arm]}: after", arm, norm.xhat_values, normalised=True),
    )
    step = tuple(int(s) for s in runs[arm].steps)
    return OneNeuron(f"Neuron {norm.unit} at {place.path}", step, sides)


def edges_of(values: Sequence[Numbers]) -> Numbers:
    """Edges of the bars that hold all of them."""
    if not values:
        return np.linspace(-1, 1, BINS + 1)
    everything = np.concatenate([one.ravel() for one in values])
    everything = everything[np.isfinite(everything)]
    if not everything.size:
        return np.linspace(-1, 1, BINS + 1)
    low, high = float(everything.min()), float(everything.max())
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def range_of(edges: Numbers) -> list[float]:
    """Of an axis from the first edge to the last."""
    return [float(edges[0]), float(edges[-1])]


def shares_of(values: Numbers, edges: Numbers) -> Numbers:
    """Per cent of the images in every bin, shape `(steps, bins)`."""
    counts = [np.histogram(row[np.isfinite(row)], edges)[0] for row in values]
    return single(100 * np.array(counts) / values.shape[1])


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
    told = [(step[m], *_mean_std(one.values[m])) for m in moments_of(step)]
    at = ", ".join(f"{mean} ± {std} at step {s:,}" for s, mean, std in told)
    return f"{one.title}: mean and deviation {at}"


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    found = neuron_of(result)
    styles = theme.styles(result.record.spec.labels)
    figure = draw_one_neuron(found.step, found.sides, styles, theme)
    return Drawn(figure, found.words())


KIND = FigureKind(
    id="one-neuron",
    section="neuron",
    of_one_setting=True,
    title="One neuron before and after normalising",
    reading=(
        "What one neuron gives for 512 images at steps 1, 10, 100 and at the end, as "
        "Madushanka (2024) shows it; above each panel its mean and deviation. Before "
        "normalising the bars may wander and widen; after it they stay around 0 with "
        "deviation 1, whatever the layers below do."
    ),
    draw=_draw,
)
