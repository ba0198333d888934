"""Figure 1 of the paper of 2015: accuracy, and one unit's input without and with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.design.setting import setting_of
from normlab.analysis.series.trajectory import Band, accuracy_bands
from normlab.errors import NotMeasured
from normlab.figures.kit.accuracy_axis import accuracy_window
from normlab.figures.kit.curves import add_band, add_line
from normlab.figures.kit.observed import first_of, seen
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.theme import LIGHT, Style, Theme
from normlab.figures.percentiles import Percentiles
from normlab.records.observed.activations import ActivationArrays

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.spec.study import StudySpec


def draw_accuracy_and_percentiles(
    accuracies: Sequence[Band],
    those: Sequence[Percentiles],
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """Test accuracy of all arms, then a panel for each arm's unit, on one scale.

    Args:
        accuracies: One per arm.
        those: Of the baseline and another arm; the first panel is number 1.
        styles: Of every arm.
        theme: Paper and ink.
    """
    units = [
        Panel(
            title=f"{styles[one.arm].label}: percentiles 15, 50, 85",
            x="step",
            y="input of one unit",
            x_axis={"matches": "x"},
            y_axis={"matches": "y2"} if one.panel > 1 else None,
        )
        for one in those
    ]
    window = {"range": accuracy_window(accuracies)}
    accuracy = Panel(title="test accuracy", x="step", y="%", y_axis=window)
    figure = panels(theme, [accuracy, *units], columns=3)
    for band in accuracies:
        style = styles[band.arm]
        low, high = (np.clip(100 * end, 0, 100) for end in (band.low, band.high))
        add_band(figure, band.step, low, high, style=style, name=style.label, **on(0))
        add_line(
            figure, band.step, 100 * band.mean, style=style, name=style.label, **on(0)
        )
    for panel, arm, step, values in those:
        style, axes = styles[arm], on(panel)
        low, _, high = values.T
        add_band(figure, step, low, high, style=style, name=style.label, **axes)
        for curve in values.T:
            add_line(
                figure,
                step,
                curve,
                style=style,
                name=style.label,
                showlegend=False,
                **axes,
            )
    return figure


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    record = result.record
    spec = record.spec
    runs = first_of(seen(result, ActivationArrays))
    units = {
        arm: values
        for arm in _pair(spec)
        if arm in runs and (values := _last_unit(runs[arm])) is not None
    }
    if len(units) < 2:
        raise NotMeasured("there are no two arms whose unit was followed")
    rate, point = setting_of(record)
    accuracies = accuracy_bands(record, point, [rate])
    if not accuracies:
        raise NotMeasured("no accuracy was measured along training")
    those = [
        Percentiles(i, arm, runs[arm].steps, values)
        for i, (arm, values) in enumerate(units.items(), start=1)
    ]
    styles = theme.styles(spec.labels)
    words = [
        *(
            f"test accuracy {styles[b.arm].label} ends at {100 * b.mean[-1]:.2f} %"
            for b in accuracies
        ),
        *(_words(one, styles[one.arm].label) for one in those),
    ]
    alt = f"{'; '.join(words)}."
    figure = draw_accuracy_and_percentiles(accuracies, those, styles, theme)
    return Drawn(figure, f"{alt[0].upper()}{alt[1:]}")


def _pair(spec: StudySpec) -> list[str]:
    """The baseline, and of the others the first with a norm."""
    others = [arm for arm in spec.arms if arm != spec.baseline]
    others.sort(key=lambda arm: arm.norm == "none")
    return [spec.baseline.name, *(arm.name for arm in others[:1])]


def _last_unit(of: ActivationArrays) -> np.ndarray | None:
    """Percentiles of the followed unit of the last hidden layer, (steps, 3)."""
    return [*of.hidden.values()][-1].in_unit_percentiles if of.hidden else None


def _words(one: Percentiles, label: str) -> str:
    low, middle, high = (one.values[-1, i] for i in range(3))
    moved = np.ptp(one.values[:, 1])
    return (
        f"the unit's median {label} moves over {moved:.2g} and ends at "
        f"{middle:.2g}, percentiles 15 to 85 at {low:.2g} to {high:.2g}"
    )


KIND = FigureKind(
    id="accuracy-and-percentiles",
    section="curious",
    of_one_setting=True,
    title="Accuracy, and what one unit receives",
    reading=(
        "As Figure 1 of the paper of 2015: test accuracy on one slice of the test "
        "images (mean over seeds with 95 % interval; final accuracies are those of "
        "all), then percentiles 15, 50 and 85 of what one unit of the last hidden "
        "layer receives, over 512 images (first seed), on one scale. Lines that wander "
        "are an input that keeps changing while the layer learns from it."
    ),
    draw=_draw,
)
