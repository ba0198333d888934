"""Units that are positive for no image, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from normlab.errors import NotMeasured
from normlab.figures.drift import layers
from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import at_path, by_arm, first_of, seen
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.records.observed.activations import ActivationArrays

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, ActivationArrays)
    quantities: list[Quantity] = []
    measured = False
    for rank, path in layers(first_of(runs).values()):
        for name in ("dead", "saturated"):

            def share(
                of: ActivationArrays, path: str = path, name: str = name
            ) -> np.ndarray | None:
                here = at_path(of.hidden, path)
                if here is None:
                    return None
                units = here.dead if name == "dead" else here.saturated
                return None if units is None else 100 * units.mean(axis=1)

            series = by_arm(runs, share)
            measured |= bool(series)
            if any(np.nanmax(one.mean, initial=0.0) > 0 for one in series):
                quantities.append(
                    Quantity(
                        title=f"layer {rank} ({path})",
                        unit=f"{name} units (%)",
                        series=series,
                        bounds=(0.0, 100.0),
                    )
                )
    if not quantities and measured:
        raise NotMeasured("no unit of any layer died or was saturated")
    if not quantities:
        raise NotMeasured("no layer has units that can die or saturate")
    styles = theme.styles(result.record.spec.labels)
    figure = draw_along_training(quantities, styles, theme, height=200, one_scale=True)
    words = "; ".join(
        f"{q.title}: {ends(q.series, styles)} {q.unit}" for q in quantities
    )
    return Drawn(figure, f"{words}.")


KIND = FigureKind(
    id="dead-units",
    section="curious",
    of_one_setting=True,
    title="Dead units",
    reading=(
        "Lower is better: a ReLU unit that is positive for none of 512 images passes "
        "nothing on and learns nothing; of sigmoid units the share of images beyond "
        ".01 or .99 is shown instead. Mean over seeds, band 95 %."
    ),
    draw=_draw,
)
