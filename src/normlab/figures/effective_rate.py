"""Weights whose length does not matter, and the learning rate that results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from normlab.analysis.series.series import Series
from normlab.errors import NotMeasured
from normlab.figures.drift import at_path
from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import Arrays, by_arm, places, seen, spread
from normlab.figures.kit.picture import Drawn, FigureKind

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme

MAX_WEIGHTS = 3


def weights(of_runs: list[Arrays]) -> list[str]:
    """Some of the weights that are scale-invariant in any of the runs."""
    found = [place.path for arrays in of_runs for place in places(arrays, "norm")]
    names = list(dict.fromkeys(found))
    return [names[i] for i in spread(range(len(names)), MAX_WEIGHTS)]


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, "scale")
    names = weights(list(runs.values()))
    if not names:
        raise NotMeasured("no arm has weights whose length does not matter")
    quantities: list[Quantity] = []
    words: list[str] = []
    for name in names:

        def median(what: str, name: str = name) -> list[Series]:
            def over_rows(arrays: Arrays) -> np.ndarray | None:
                rows = at_path(arrays, name, what)
                return None if rows is None else np.median(rows, axis=1)

            return by_arm(runs, over_rows, ratio=True)

        length, rate = median("norm"), median("effective_rate")
        quantities.append(Quantity(title=f"{name}: length", unit="‖w‖", series=length))
        words.append(f"length of {name}: {ends(length)}")
        if rate:  # of SGD only
            quantities.append(
                Quantity(
                    title=f"{name}: effective rate",
                    unit="a / ((1 − m) ‖w‖²)",
                    series=rate,
                )
            )
            words.append(f"effective rate: {ends(rate)}")
    styles = theme.styles([arm.name for arm in result.record.spec.arms])
    figure = draw_along_training(quantities, styles, theme, height=220)
    return Drawn(figure, f"Median over rows; {'; '.join(words)}.")


KIND = FigureKind(
    id="effective-rate",
    section="training",
    of_one_setting=True,
    title="Length of the weights and the learning rate that results",
    reading=(
        "A row of weights w in front of a norm can be made longer without changing the "
        "network, so its length matters only for how fast it turns: at learning rate a "
        "and momentum m with the effective rate a / ((1 − m) ‖w‖²). Rows that grow "
        "slow themselves down. Median over rows, mean over seeds; arms without such "
        "weights have no line."
    ),
    draw=_draw,
)
