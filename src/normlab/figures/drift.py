"""How the inputs of each layer's nonlinearity drift towards their end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from normlab.analysis.series.drift import feature_change, living_shift
from normlab.analysis.text.layout import spread
from normlab.errors import NotMeasured
from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import at_path, by_arm, first_of, seen
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.records.observed.activations import ActivationArrays

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme

MAX_LAYERS = 4


def layers(runs: Iterable[ActivationArrays]) -> list[tuple[int, str]]:
    """Some layers with a nonlinearity: their rank from 1 and their path.

    Args:
        runs: One of every arm; where units of a place cannot be told, it is not there.

    Raises:
        NotMeasured: If there is none in any.
    """
    every = [[place.path for place in of.hidden] for of in runs]
    paths = max(every, key=len)
    if not paths:
        raise NotMeasured("no nonlinearity was seen whose units can be told")
    return [(i + 1, paths[i]) for i in spread(range(len(paths)), MAX_LAYERS)]


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, ActivationArrays)
    quantities: list[Quantity] = []
    words: list[str] = []
    styles = theme.styles(result.record.spec.labels)
    for rank, path in layers(first_of(runs).values()):

        def shift(of: ActivationArrays, path: str = path) -> np.ndarray | None:
            here = at_path(of.hidden, path)
            return here and living_shift(here.in_mean, here.in_std, here.dead)

        def change(of: ActivationArrays, path: str = path) -> np.ndarray | None:
            here = at_path(of.hidden, path)
            if here is None or here.correlation is None:
                return None
            return feature_change(here.correlation)

        shifts, changes = by_arm(runs, shift), by_arm(runs, change)
        layer = f"layer {rank} ({path})"
        quantities += [
            Quantity(
                title=f"{layer}: shift",
                unit="standard deviations",
                series=shifts,
                bounds=(0.0, np.inf),
            ),
            Quantity(
                title=f"{layer}: features",
                unit="1 − |r|",
                series=changes,
                bounds=(0.0, 1.0),
            ),
        ]
        words.append(f"{layer}: {ends(shifts, styles)} standard deviations")
    figure = draw_along_training(quantities, styles, theme, height=220, one_scale=True)
    return Drawn(figure, f"Distance from the final distribution; {'; '.join(words)}.")


KIND = FigureKind(
    id="drift",
    section="neuron",
    of_one_setting=True,
    title="Drift of the activations, layer by layer",
    reading=(
        "Lower is steadier; every line ends at 0, because distances are taken from the "
        "end of training. Shift: how far a typical living unit's mean lies from its "
        "final one; normalisation fixes most of this by construction. Features, which "
        "no arm gets for free: how much a unit's answers to the same images change "
        "beyond a shift and a scale (r: correlation with the end)."
    ),
    draw=_draw,
)
