"""Running averages of the norms against the statistics of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from normlab.analysis.text.layout import spread
from normlab.errors import NotMeasured
from normlab.figures.kit.along_training import Quantity, draw_along_training, ends
from normlab.figures.kit.observed import at_path, by_arm, first_of, seen
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.records.observed.activations import ActivationArrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme

MAX_NORMS = 3
_TINY = np.finfo(np.float32).tiny


def mean_gap(of: ActivationArrays, path: str) -> NDArray[np.floating] | None:
    """Median over units of |running mean - batch mean| in batch deviations."""
    norm = at_path(of.norms, path)
    if norm is None:
        return None
    running, mean, std = norm.running_mean, norm.x_mean, norm.x_std
    if running is None or mean is None or std is None:
        return None
    with np.errstate(all="ignore"):  # where they overflow, nothing can be told
        return np.median(np.abs(running - mean) / np.maximum(std, _TINY), axis=1)


def variance_ratio(of: ActivationArrays, path: str) -> NDArray[np.floating] | None:
    """Median over units of running variance / batch variance."""
    norm = at_path(of.norms, path)
    if norm is None or norm.running_var is None or norm.x_std is None:
        return None
    running, variance = norm.running_var, norm.x_std.astype(np.float64) ** 2
    variance = np.maximum(variance, _TINY)
    with np.errstate(all="ignore"):
        return np.median(running / variance, axis=1)


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    runs = seen(result, ActivationArrays)
    norms = [
        place.path
        for of in first_of(runs).values()
        for place, norm in of.norms.items()
        if norm.running_mean is not None
    ]
    norms = list(dict.fromkeys(norms))
    if not norms:
        raise NotMeasured("no arm has a norm that keeps running averages")
    quantities = []
    for i in spread(range(len(norms)), MAX_NORMS):
        path = norms[i]
        gap = by_arm(runs, lambda of, path=path: mean_gap(of, path))
        ratio = by_arm(runs, lambda of, path=path: variance_ratio(of, path), ratio=True)
        quantities += [
            Quantity(
                title=f"{path}: mean",
                unit="gap (deviations)",
                series=gap,
                level=0.0,
            ),
            Quantity(
                title=f"{path}: variance",
                unit="running / batch",
                series=ratio,
                log=True,
                level=1.0,
            ),
        ]
    styles = theme.styles(result.record.spec.labels)
    figure = draw_along_training(quantities, styles, theme, height=200, one_scale=True)
    words = "; ".join(
        f"{q.title}: {ends(q.series, styles)} {q.unit}" for q in quantities
    )
    return Drawn(figure, f"{words}.")


KIND = FigureKind(
    id="running-statistics",
    section="curious",
    of_one_setting=True,
    title="Running averages against the batch",
    reading=(
        "At inference a batch norm uses averages that it collected while training. On "
        "the dotted lines they agree with the statistics of 512 images at that moment; "
        "a gap means that inference sees another network than training did. Median "
        "over units, mean over seeds."
    ),
    draw=_draw,
)
