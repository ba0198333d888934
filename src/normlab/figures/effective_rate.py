"""Weights whose length does not matter, and the learning rate that results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from normlab.analysis.series.series import Series
from normlab.analysis.text.layout import spread
from normlab.errors import NotMeasured
from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import at_path, by_arm, seen
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.records.observed.scale import RowArrays, ScaleArrays

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme

MAX_WEIGHTS = 3


def weights(of_runs: list[ScaleArrays]) -> list[str]:
    """Some of the weights that are scale-invariant in any of the runs."""
    found = [place.path for of in of_runs for place in of.weights]
    names = list(dict.fromkeys(found))
    return [names[i] for i in spread(range(len(names)), MAX_WEIGHTS)]


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, ScaleArrays)
    names = weights(list(runs.values()))
    if not names:
        raise NotMeasured("no arm has weights whose length does not matter")
    quantities: list[Quantity] = []
    words: list[str] = []
    styles = theme.styles(result.record.spec.labels)
    for name in names:

        def median(
            fetch: Callable[[RowArrays], np.ndarray | None], name: str = name
        ) -> list[Series]:
            def over_rows(of: ScaleArrays) -> np.ndarray | None:
                here = at_path(of.weights, name)
                rows = here and fetch(here)
                return None if rows is None else np.median(rows, axis=1)

            return by_arm(runs, over_rows, ratio=True)

        length = median(lambda rows: rows.norm)
        rate = median(lambda rows: rows.effective_rate)
        quantities.append(Quantity(title=f"{name}: length", unit="‖w‖", series=length))
        words.append(f"length of {name}: {ends(length, styles)}")
        if rate:  # of SGD only
            quantities.append(
                Quantity(
                    title=f"{name}: effective rate",
                    unit="a / ((1 − m) ‖w‖²)",
                    series=rate,
                )
            )
            words.append(f"effective rate: {ends(rate, styles)}")
    figure = draw_along_training(quantities, styles, theme, height=220)
    return Drawn(figure, f"Median over rows; {'; '.join(words)}.")


KIND = FigureKind(
    id="effective-rate",
    section="curious",
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
