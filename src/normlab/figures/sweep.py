"""What a swept setting does: curves over one axis, a map over two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.arms import ArmSummary
from normlab.analysis.inference.interval import share_interval
from normlab.errors import NotMeasured
from normlab.figures.kit.curves import add_band, add_line, log_axis, log_window
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind, in_words
from normlab.figures.kit.theme import LIGHT, SEQUENTIAL, Style, Theme
from normlab.spec.point import Value

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.spec.study import StudySpec

RATE = "recipe.rates"
LARGE = 3.0  # neighbouring values that grow by such factors stand on a log scale
MAX_DIGITS = 60  # cells of a map that have room for their number

Axis = tuple[str, tuple[Value, ...]]
Place = tuple[Value, ...]
"""Name of an arm, and its value on each axis."""


def axes_of(spec: StudySpec) -> tuple[Axis, ...]:
    """The swept keys and their values; several rates are an axis too."""
    swept = tuple((axis.key, axis.values) for axis in spec.sweep.axes)
    rates = ((RATE, spec.recipe.rates),) if len(spec.recipe.rates) > 1 else ()
    return (*swept, *rates)


def draw_curves(
    arms: Sequence[ArmSummary],
    axis: Axis,
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """Accuracy, loss and share of runs that did not train over an axis, by arm.

    Args:
        arms: At every value of the axis.
        axis: Key and values.
        styles: Of every arm.
        theme: Paper and ink.
    """
    key, values = axis
    places, x_axis = _places(values)
    names = ("final test accuracy", "final test loss", "runs that did not train")
    units = ("%", "nats per example", "% of runs")
    found = _by_place(arms, [axis])
    curves = {
        name: _curves([found.get((name, value)) for value in values]) for name in styles
    }
    if not any(those[2][:, 0].any() for those in curves.values()):
        names = names[:2]  # all trained: nothing to be seen
    losses = [those[1][:, 0] for those in curves.values()]
    ranges: tuple[dict[str, object], ...] = (
        {},
        {**log_axis(losses), "range": log_window(losses)},
        {"range": [-4, 104]},
    )
    figure = panels(
        theme,
        [
            Panel(title=name, x=_word(key), y=unit, x_axis=x_axis, y_axis=dict(more))
            for name, unit, more in zip(names, units, ranges, strict=False)
        ],
        columns=3,
    )
    for name, style in styles.items():
        for i, curve in enumerate(curves[name][: len(names)]):
            low, high = curve[:, 1], curve[:, 2]
            add_band(figure, places, low, high, style=style, name=style.label, **on(i))
            add_line(
                figure,
                places,
                curve[:, 0],
                style=style,
                name=style.label,
                mode="lines+markers",
                marker={"symbol": style.marker, "size": 7},
                showlegend=i == 0,
                hovertemplate=f"{style.label}: %{{y:.4g}}<extra></extra>",
                **on(i),
            )
    return figure


def draw_map(
    arms: Sequence[ArmSummary],
    axes: Sequence[Axis],
    labels: Mapping[str, str],
    theme: Theme = LIGHT,
) -> go.Figure:
    """Mean final accuracy over two axes, a panel per arm, one scale of colours.

    Args:
        arms: At every pair of values.
        axes: The first goes up, the second to the right.
        labels: Of the arms, by name.
        theme: Paper and ink.
    """
    (up, ups), (right, rights) = axes
    figure = panels(
        theme,
        [
            Panel(
                title=f"{label}: final test accuracy",
                x=_word(right),
                y=_word(up),
                x_axis=_labels(rights),
                y_axis=_labels(ups),
            )
            for label in labels.values()
        ],
    )
    found = _by_place(arms, axes)
    grids = {name: _grid(found, name, axes) for name in labels}
    finite = np.concatenate([grid[np.isfinite(grid)] for grid in grids.values()])
    for i, (name, grid) in enumerate(grids.items()):
        digits = grid.size <= MAX_DIGITS
        figure.add_heatmap(
            z=grid,
            zmin=finite.min() if finite.size else 0,
            zmax=finite.max() if finite.size else 1,
            colorscale=SEQUENTIAL,
            showscale=i == 0,
            colorbar={"title": {"text": "%"}, "thickness": 12},
            texttemplate="%{z:.2f}" if digits else None,
            hovertemplate=f"{labels[name]}: %{{z:.2f}} %<extra></extra>",
            xgap=1,
            ygap=1,
            **on(i),
        )
    return figure


def _grid(
    found: Mapping[Place, ArmSummary], name: str, axes: Sequence[Axis]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    (_, ups), (_, rights) = axes
    cells = [[found.get((name, one, other)) for other in rights] for one in ups]
    return np.array(
        [
            [100 * cell.test_accuracy.mean if cell else np.nan for cell in row]
            for row in cells
        ]
    )


def _curves(those: Sequence[ArmSummary | None]) -> list[np.ndarray]:
    """Mean, low and high end of each panel's measure, shape `(values, 3)`."""
    unknown = (np.nan,) * 3
    accuracy = [100 * np.array(a.test_accuracy[:3]) if a else unknown for a in those]
    loss = [a.test_loss[:3] if a and not a.diverged else unknown for a in those]
    share = [
        100 * np.array(share_interval(a.untrained, a.ended)[:3]) if a else unknown
        for a in those
    ]
    curves = [np.array(each, dtype=np.float64) for each in (accuracy, loss, share)]
    curves[0][:, 2] = np.minimum(curves[0][:, 2], 100)
    curves[1][:, 1] = np.maximum(curves[1][:, 1], 1e-7)
    return curves


def _by_place(
    arms: Sequence[ArmSummary], axes: Sequence[Axis]
) -> dict[Place, ArmSummary]:
    """By the arm and its value on each axis; of several the first."""
    found: dict[Place, ArmSummary] = {}
    for arm in arms:
        there = {**dict(arm.point), RATE: arm.rate}
        found.setdefault((arm.arm, *(there[key] for key, _ in axes)), arm)
    return found


def _places(values: Sequence[Value]) -> tuple[np.ndarray, dict[str, object]]:
    """Where the values stand on the axis: numbers in their place, words in a row."""
    numbers = [
        v for v in values if isinstance(v, int | float) and not isinstance(v, bool)
    ]
    if len(numbers) < len(values):
        return np.arange(len(values), dtype=np.float64), _labels(values)
    ticks = {"tickvals": list(values), "ticktext": [_label(v) for v in values]}
    spread = sorted(numbers)
    logarithmic = spread[0] > 0 and spread[-1] / spread[0] >= LARGE
    kind = {"type": "log"} if logarithmic else {}
    return np.array(numbers, dtype=np.float64), {**ticks, **kind}


def _labels(values: Sequence[Value]) -> dict[str, object]:
    return {
        "tickvals": list(range(len(values))),
        "ticktext": [_label(value) for value in values],
        "showgrid": False,
    }


def _label(value: Value) -> str:
    if isinstance(value, bool | str):
        return str(value).lower()
    return f"{value:g}"


def _word(key: str) -> str:
    return "learning rate" if key == RATE else key.rpartition(".")[2].replace("_", " ")


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    spec = result.record.spec
    axes = axes_of(spec)
    if not spec.sweep.axes:
        raise NotMeasured("the study sweeps no setting; give several values of one")
    arms = result.analysis.arms
    if not any(arm.ended for arm in arms):
        raise NotMeasured("no run has ended yet")
    labels = spec.labels
    alt = _words(arms, axes, labels)
    if len(axes) == 1:
        alt = " ".join((alt, *_untrained(arms, axes, labels)))
        return Drawn(draw_curves(arms, axes[0], theme.styles(labels), theme), alt)
    return Drawn(draw_map(arms, axes, labels, theme), alt)


def _words(
    arms: Sequence[ArmSummary], axes: Sequence[Axis], labels: Mapping[str, str]
) -> str:
    sentences = []
    for name, label in labels.items():
        those = [a for a in arms if a.arm == name and a.test_accuracy.seeds]
        if those:
            best = max(those, key=lambda arm: arm.test_accuracy.mean)
            worst = min(those, key=lambda arm: arm.test_accuracy.mean)
            sentences.append(
                f"{label} from {100 * worst.test_accuracy.mean:.2f} % at "
                f"{_where(worst, axes)} to {100 * best.test_accuracy.mean:.2f} % at "
                f"{_where(best, axes)}"
            )
    return f"Mean final test accuracy: {in_words(sentences)}."


def _untrained(
    arms: Sequence[ArmSummary], axes: Sequence[Axis], names: Iterable[str]
) -> list[str]:
    """Of which arms runs did not train, and where, as a sentence; none if all did."""
    lost = [
        f"{a.untrained} of {a.ended} {a.label} at {_where(a, axes)}"
        for name in names
        for a in arms
        if a.arm == name and a.untrained
    ]
    return [f"Runs that did not train: {in_words(lost)}."] if lost else []


def _where(arm: ArmSummary, axes: Sequence[Axis]) -> str:
    there = {**dict(arm.point), RATE: arm.rate}
    return ", ".join(f"{_word(key)} {_label(there[key])}" for key, _ in axes)


KIND = FigureKind(
    id="sweep",
    section="sweep",
    of_one_setting=False,
    title="Over the swept settings",
    reading=(
        "Each arm at every value of the settings that were swept: a curve that stays "
        "level does not depend on the setting. Mean over seeds with 95 % interval, of "
        "the share of runs that did not train Wilson's (those whose loss was not "
        "finite, or ended at that of chance); of two settings a map, all arms on one "
        "scale of colours. Where a run diverged there is no final loss, and accuracy "
        "counts its last finite network."
    ),
    draw=_draw,
)
