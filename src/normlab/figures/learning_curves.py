"""Training loss and test accuracy by step and by second, over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.series.trajectory import Band, accuracy_bands, loss_bands
from normlab.errors import NotMeasured
from normlab.figures.kit.accuracy_axis import accuracy_window
from normlab.figures.kit.curves import add_band, add_line, log_axis
from normlab.figures.kit.drawn_rates import drawn_rates, undrawn
from normlab.figures.kit.panels import Panel, axis_number, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind, in_words
from normlab.figures.kit.theme import LIGHT, Style, Theme

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult


def draw_learning_curves(
    losses: Sequence[Band],
    accuracies: Sequence[Band],
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """Over steps on the left and over seconds on the right; rows for each rate.

    Args:
        losses: Of training, one per arm and rate.
        accuracies: On test images, the same; runs without a test have no such row.
        styles: Of every arm.
        theme: Paper and ink.
    """
    rates = list(dict.fromkeys(band.rate for band in losses))
    rows = [
        (rate, _LOSS if those is losses else _ACCURACY, of)
        for rate in rates
        for those in (losses, accuracies)
        if (of := [band for band in those if band.rate == rate])
    ]
    loss_axis = log_axis([end for band in losses for end in (band.low, band.high)])
    window = {"range": accuracy_window(accuracies)} if accuracies else {}
    first: dict[str, str] = {}  # of each quantity its first axis; the others match it
    pairs: list[Panel] = []
    for rate, kind, _ in rows:
        title = f"learning rate {rate:g}" if len(rates) > 1 else ""
        for x in ("step", "seconds of training"):
            number = axis_number(len(pairs))
            scale = loss_axis if kind is _LOSS else window
            y_axis = {**scale, "matches": first.get(kind.y)}
            first.setdefault(kind.y, f"y{number}")
            x_axis = {"matches": first.get(f"{x} at {rate}")}
            first.setdefault(f"{x} at {rate}", f"x{number}")
            pairs.append(
                Panel(title=title, x=x, y=kind.y, x_axis=x_axis, y_axis=y_axis)
            )
    figure = panels(theme, pairs)
    for row, (_, kind, bands) in enumerate(rows):
        for band in bands:
            at = (band.step, band.step * band.step_seconds)
            for i, x in enumerate(at, start=2 * row):
                _add(figure, i, x, band, kind, styles[band.arm])
    return figure


class _Row(NamedTuple):
    """What a row of panels shows, and how."""

    y: str
    unit: float
    bounds: tuple[float, float]
    marked: bool


_LOSS = _Row(
    y="training loss (nats)",
    unit=1.0,
    bounds=(0.0, np.inf),
    marked=False,
)
_ACCURACY = _Row(y="test accuracy (%)", unit=100.0, bounds=(0.0, 100.0), marked=True)


def _add(
    figure: go.Figure, i: int, x: np.ndarray, band: Band, kind: _Row, style: Style
) -> None:
    low, high = (np.clip(kind.unit * of, *kind.bounds) for of in (band.low, band.high))
    add_band(figure, x, low, high, style=style, name=style.label, **on(i))
    more: dict[str, Any] = {"showlegend": i == 0, **on(i)}
    if kind.marked:  # it is known at few steps
        marker = {"symbol": style.marker, "size": 5, "color": style.colour()}
        more |= {"mode": "lines+markers", "marker": marker}
    add_line(figure, x, kind.unit * band.mean, style=style, name=style.label, **more)


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    record = result.record
    drawn = drawn_rates(record.spec)
    losses = loss_bands(record, drawn)
    accuracies = accuracy_bands(record, rates=drawn)
    if not losses:
        raise NotMeasured("no run has taken a step yet")
    labels = record.spec.labels
    styles = theme.styles(labels)
    rates = len(record.spec.recipe.rates) > 1
    courses = in_words(
        _words(band, labels[band.arm], with_rate=rates) for band in losses
    )
    alt = f"Training loss over steps and over seconds: {courses}."
    if accuracies:
        tests = in_words(
            _test_words(band, labels[band.arm], with_rate=rates) for band in accuracies
        )
        alt += f" Test accuracy: {tests}."
    alt += undrawn(record.spec)
    return Drawn(draw_learning_curves(losses, accuracies, styles, theme), alt)


def _words(band: Band, label: str, *, with_rate: bool) -> str:
    known = band.mean[np.isfinite(band.mean)]
    course = f"from {known[0]:.3g} to {known[-1]:.3g} nats" if known.size else "no loss"
    name = _name(band, label, with_rate=with_rate)
    return f"{name} {course} in {band.step[-1]:.0f} steps"


def _test_words(band: Band, label: str, *, with_rate: bool) -> str:
    first, last = 100 * band.mean[0], 100 * band.mean[-1]
    return (
        f"{_name(band, label, with_rate=with_rate)} from {first:.2f} % at step "
        f"{band.step[0]:.0f} to {last:.2f} % at step {band.step[-1]:.0f}"
    )


def _name(band: Band, label: str, *, with_rate: bool) -> str:
    return f"{label} at rate {band.rate:g}" if with_rate else label


KIND = FigureKind(
    id="learning-curves",
    section="training",
    of_one_setting=False,
    title="Learning curves",
    reading=(
        "Sooner is faster. Above, lower is better: the training loss of each arm "
        "(running median over 101 steps, mean over seeds) with its 95 % interval. "
        "Below, higher is better: accuracy on one slice of the test images, up to "
        "2,000 (final accuracies are those of all). First every step counts the same, "
        "then, in the second column, every second."
    ),
    draw=_draw,
)
