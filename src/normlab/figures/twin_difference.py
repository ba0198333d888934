"""Log training loss of an arm minus its twin's, step by step, shown as a ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.series.trajectory import Band, twin_bands
from normlab.errors import NotMeasured
from normlab.figures.kit.curves import add_band, add_line
from normlab.figures.kit.drawn_rates import drawn_rates, undrawn
from normlab.figures.kit.marks import add_level
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind, in_words
from normlab.figures.kit.theme import LIGHT, Style, Theme

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

IN_FRAME = (2, 98)  # percentiles of the means; a twin that blows up leaves the frame


def draw_twin_difference(
    bands: Sequence[Band],
    styles: Mapping[str, Style],
    theme: Theme = LIGHT,
) -> go.Figure:
    """Paired ratio of losses over steps, a panel per rate; 1 means equal.

    Args:
        bands: One per arm and rate, of twins.
        styles: Of every arm.
        theme: Paper and ink.
    """
    rates = list(dict.fromkeys(band.rate for band in bands))
    figure = panels(
        theme,
        [
            Panel(
                title=f"learning rate {rate:g}" if len(rates) > 1 else "",
                x="step (log scale)",
                y="loss / loss of the baseline",
                x_axis={"type": "log", "dtick": 1},
                y_axis={
                    "type": "log",
                    "tickformat": "~g",
                    "range": _frame(bands),
                    "matches": "y" if i else None,
                },
            )
            for i, rate in enumerate(rates)
        ],
    )
    for i in range(len(rates)):
        add_level(figure, i, 1.0, theme)
    for band in bands:
        i, style = rates.index(band.rate), styles[band.arm]
        low, high, name = band.low, band.high, style.label
        add_band(figure, band.step, low, high, style=style, name=name, **on(i))
        more = {"name": name, "showlegend": i == 0, **on(i)}
        add_line(figure, band.step, band.mean, style=style, **more)
    return figure


def _frame(bands: Sequence[Band]) -> list[float]:
    """Logarithms of what all panels show, half as much again around the means."""
    means = np.concatenate([[1.0], *(band.mean for band in bands)])
    low, high = np.nanpercentile(np.log10(means), IN_FRAME)
    low, high = min(low, -0.1), max(high, 0.1)
    margin = (high - low) / 4
    return [low - margin, high + margin]


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    spec = result.record.spec
    if len(spec.arms) < 2:
        raise NotMeasured("the study has one arm only")
    bands = twin_bands(result.record, drawn_rates(spec))
    if not bands:
        raise NotMeasured("no two arms of one seed have ended yet")
    styles = theme.styles(spec.labels)
    return Drawn(
        draw_twin_difference(bands, styles, theme),
        f"Training loss against that {styles[spec.baseline.name].label}, paired, as a "
        "ratio: "
        + in_words(_words(band, styles[band.arm].label) for band in bands)
        + f".{undrawn(spec)}",
    )


def _words(band: Band, label: str) -> str:
    known = np.isfinite(band.mean)
    ratio, step = band.mean[known], band.step[known]
    if not ratio.size:
        return f"{label} there is no loss"
    best = int(ratio.argmin())
    return (
        f"{label} at rate {band.rate:g} it is lowest at step {step[best]:.0f} with "
        f"{ratio[best]:.2f} times and ends at {ratio[-1]:.2f} times"
    )


KIND = FigureKind(
    id="twin-difference",
    section="curious",
    of_one_setting=False,
    title="Twins at every step: paired difference of log losses, as a ratio",
    reading=(
        "Twins saw the same images in the same order, so their losses are compared in "
        "pairs: the difference of their logarithms, mean over seeds, shown as a ratio "
        "(1 = equal). Below the dotted line the arm is ahead of its twin, and where "
        "the band (95 % over seeds) stays clear of the line, it is so beyond chance at "
        "that step. A curve that leaves the frame belongs to a run that is about to "
        "diverge."
    ),
    draw=_draw,
)
