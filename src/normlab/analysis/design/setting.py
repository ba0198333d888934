"""Of several rates and points, the one at which a study shows single runs."""

from __future__ import annotations

import math

from normlab.analysis.design.rates import HeldOutLosses, holds_out
from normlab.records.rows import StudyRecord
from normlab.spec.point import SweepPoint, point_text


def setting_of(record: StudyRecord) -> tuple[float, SweepPoint]:
    """The rate and the point of what was observed, and of the surfaces.

    Of several rates it is the baseline's own best, at the point where that is best: at
    others it may not train at all. The first of the study where none can be chosen.
    """
    spec = record.spec
    rates, losses = spec.recipe.rates, dict[tuple[float, SweepPoint], float]()
    first = (rates[0], spec.sweep.points[0])
    if len(rates) == 1 or not holds_out(record):
        return first
    held_out = HeldOutLosses.of(record)
    for point in spec.sweep.points:
        found = held_out.by_rate(spec.baseline.name, point)
        # what was refined for one arm was not trained with the others
        losses |= {(rate, point): found.get(rate, math.nan) for rate in rates}
    if any(math.isnan(loss) for loss in losses.values()):
        return first
    best = min(losses, key=lambda setting: losses[setting])
    return best if math.isfinite(losses[best]) else first


def setting_text(record: StudyRecord) -> str:
    """That rate and point in words; empty where there is but one."""
    rate, point = setting_of(record)
    several = len(record.spec.recipe.rates) > 1
    return ", ".join([f"lr {rate:g}"] * several + [point_text(point)] * bool(point))
