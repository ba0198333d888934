"""Final test accuracy of every seed, twins joined by a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.claims.better_accuracy import final_accuracy
from normlab.analysis.design.pairs import Runs
from normlab.analysis.inference.interval import Estimate, t_interval
from normlab.errors import NotMeasured
from normlab.figures.kit.drawn_rates import drawn_rates, undrawn
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind, in_words
from normlab.figures.kit.theme import LIGHT, Style, Theme, css
from normlab.records.rows import ENDED

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

MAX_LINES = 60  # beyond that they would hide each other


class Accuracies(NamedTuple):
    """Final accuracies at one rate, as fractions: per arm, then per seed."""

    rate: float
    by_arm: Mapping[str, Mapping[int, float]]


def draw_final_accuracy(
    those: Sequence[Accuracies], styles: Mapping[str, Style], theme: Theme = LIGHT
) -> go.Figure:
    """A column per arm and a line per seed, a panel per rate, the mean beside it.

    Args:
        those: One per rate.
        styles: Of every arm.
        theme: Paper and ink.
    """
    arms = list(styles)
    rates = [one.rate for one in those]
    figure = panels(
        theme,
        [
            Panel(
                title=f"learning rate {rate:g}" if len(rates) > 1 else "",
                x="",
                y="test accuracy (%)",
                x_axis={
                    "tickvals": list(range(len(arms))),
                    "ticktext": [
                        _tick(those[i].by_arm.get(arm, {}), style.label)
                        for arm, style in styles.items()
                    ],
                    "tickangle": 0,
                    "range": [-0.5, len(arms) - 0.5],
                    "showgrid": False,
                },
                y_axis={"matches": "y" if i else None},
            )
            for i, rate in enumerate(rates)
        ],
    )
    for i, one in enumerate(those):
        _add_lines(figure, i, one, arms, theme)
        for place, arm in enumerate(arms):
            if one.by_arm.get(arm):
                _add_arm(figure, i, place, one.by_arm[arm], styles[arm])
    return figure


def _tick(of_seeds: Mapping[int, float], label: str) -> str:
    """The arm, and below it the mean: beside the points lines would cross it."""
    values = list(of_seeds.values())
    lines = label.replace(" ", "<br>", 1)  # a phone has room for several arms then
    return f"{lines}<br>{100 * np.mean(values):.2f} %" if values else lines


def _add_lines(
    figure: go.Figure, i: int, one: Accuracies, arms: Sequence[str], theme: Theme
) -> None:
    seeds = sorted({seed for each in one.by_arm.values() for seed in each})
    x: list[float | None] = []
    y: list[float | None] = []
    for seed in seeds[:MAX_LINES]:
        for place, arm in enumerate(arms):
            value = one.by_arm.get(arm, {}).get(seed)
            if value is not None:
                x.append(place)
                y.append(100 * value)
        x.append(None)
        y.append(None)
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": css(theme.muted, 0.55), "width": 1.2},
        hoverinfo="skip",
        showlegend=False,
        **on(i),
    )


def _add_arm(
    figure: go.Figure,
    i: int,
    place: int,
    of_seeds: Mapping[int, float],
    style: Style,
) -> None:
    values = 100 * np.array(list(of_seeds.values()))
    shared = {"legendgroup": style.label, "name": style.label, **on(i)}
    figure.add_scatter(
        x=[place] * len(values),
        y=values,
        mode="markers",
        marker={"color": style.colour(), "symbol": style.marker, "size": 9},
        customdata=list(of_seeds),
        hovertemplate="seed %{customdata}: %{y:.2f} %",
        showlegend=False,
        **shared,
    )
    mean: Estimate = t_interval(values)
    low, high = np.clip(mean.interval or (mean.mean, mean.mean), 0, 100)
    aside = -1 if place == 0 else 1  # out of the way of the lines
    figure.add_scatter(
        x=[place + 0.14 * aside],
        y=[mean.mean],
        error_y={
            "symmetric": False,
            "array": [high - mean.mean],
            "arrayminus": [mean.mean - low],
            "color": style.colour(),
            "thickness": 2,
            "width": 6,
        },
        mode="markers",
        marker={"color": style.colour(), "symbol": "line-ew-open", "size": 16},
        hovertemplate=f"mean of {mean.seeds}: %{{y:.3f}} %",
        showlegend=False,
        **shared,
    )


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    record = result.record
    runs = Runs.of(record)
    by_rate: dict[float, dict[str, dict[int, float]]] = {
        rate: {arm.name: {} for arm in record.spec.arms}
        for rate in drawn_rates(record.spec)
    }
    point = record.spec.sweep.points[0]  # figures of the sweep show the others
    for run in record.runs:
        here = run.key.rate in by_rate and run.key.point == point
        if here and run.status in ENDED:
            accuracy = final_accuracy(run, runs.classes)
            if accuracy is not None:
                by_rate[run.key.rate][run.key.arm][run.key.seed] = accuracy
    those = [
        Accuracies(rate, by_arm)
        for rate, by_arm in by_rate.items()
        if any(by_arm.values())
    ]
    if not those:
        raise NotMeasured("no run has ended with a test accuracy yet")
    styles = theme.styles(record.spec.labels)
    words = in_words(
        f"{styles[arm].label}{f' at rate {one.rate:g}' if len(those) > 1 else ''} "
        f"{100 * np.mean(list(of_seeds.values())):.2f} %"
        for one in those
        for arm, of_seeds in one.by_arm.items()
        if of_seeds
    )
    alt = f"Mean final test accuracy: {words}.{undrawn(record.spec)}"
    return Drawn(draw_final_accuracy(those, styles, theme), alt)


KIND = FigureKind(
    id="final-accuracy",
    section="training",
    of_one_setting=False,
    title="Final test accuracy, seed by seed",
    reading=(
        "Higher is better. Each line joins the twins of one seed: lines that all rise "
        "or all fall tell more than the heights of single points. Beside the points "
        "stands the mean with its 95 % interval, below them its number."
    ),
    draw=_draw,
)
