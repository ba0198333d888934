"""Units that are positive for no image, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.errors import NotMeasured
from normlab.figures.drift import at_path, layers
from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import Arrays, by_arm, first_of, seen
from normlab.figures.kit.picture import Drawn, FigureKind

if TYPE_CHECKING:
    import numpy as np

    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, "activations")
    quantities = []
    for rank, path in layers(first_of(runs).values()):
        for what, name in (("dead", "dead"), ("saturated", "saturated")):

            def share(
                arrays: Arrays, path: str = path, what: str = what
            ) -> np.ndarray | None:
                units = at_path(arrays, path, what)
                return None if units is None else 100 * units.mean(axis=1)

            if series := by_arm(runs, share):
                quantities.append(
                    Quantity(
                        title=f"layer {rank} ({path})",
                        unit=f"{name} units (%)",
                        series=series,
                        bounds=(0.0, 100.0),
                    )
                )
    if not quantities:
        raise NotMeasured("no layer has units that can die or saturate")
    styles = theme.styles([arm.name for arm in result.record.spec.arms])
    figure = draw_along_training(quantities, styles, theme, height=200, one_scale=True)
    words = "; ".join(f"{q.title}: {ends(q.series)} {q.unit}" for q in quantities)
    return Drawn(figure, f"{words}.")


KIND = FigureKind(
    id="dead-units",
    section="drift",
    of_one_setting=True,
    title="Dead units",
    reading=(
        "Lower is better: a ReLU unit that is positive for none of 512 images passes "
        "nothing on and learns nothing; of sigmoid units the share of images beyond "
        ".01 or .99 is shown instead. Mean over seeds, band 95 %."
    ),
    draw=_draw,
)
