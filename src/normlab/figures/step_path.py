"""Length and turning of the steps, beside what pure noise would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from normlab.figures.along_training import Quantity, draw_along_training, ends
from normlab.figures.observed import Arrays, by_arm, seen
from normlab.figures.picture import Drawn, Kind

if TYPE_CHECKING:
    from normlab.analysis.result import Result
    from normlab.figures.look import Look


APART = 10  # steps; the probe looks at bursts of successive steps


def per_burst(arrays: Arrays) -> Arrays:
    """Means over each burst of successive steps, at the step where it begins.

    Example:
        >>> per_burst({"steps": np.array([0, 1, 50]), "norm": np.array([1.0, 3.0, 5.0]),
        ...            "cosine": np.zeros(3), "momentum": np.array(0.9)})["norm"]
        array([2., 5.])
    """
    step = arrays["steps"]
    begins = np.flatnonzero(np.diff(step, prepend=-2 * APART) > APART)
    length = np.diff(begins, append=len(step))
    means = {
        what: np.add.reduceat(arrays[what].astype(np.float64), begins) / length
        for what in ("norm", "cosine")
    }
    return {"steps": step[begins], "momentum": arrays["momentum"], **means}


def _draw(result: Result, look: Look) -> Drawn:
    runs = {key: per_burst(arrays) for key, arrays in seen(result, "path").items()}
    momentum = float(next(iter(runs.values()))["momentum"])
    norm = by_arm(runs, lambda arrays: arrays["norm"], ratio=True)
    cosine = by_arm(runs, lambda arrays: arrays["cosine"])
    figure = draw_along_training(
        [
            Quantity(title="length of a step", unit="‖u‖", series=norm, log=True),
            Quantity(
                title="direction kept",
                unit="cosine with the next step",
                series=cosine,
                level=momentum if np.isfinite(momentum) else None,
                bounds=(-1.0, 1.0),
            ),
        ],
        look.styles([arm.name for arm in result.record.spec.arms]),
        look,
    )
    return Drawn(figure, f"Cosine of a step with the next: {ends(cosine)}.")


KIND = Kind(
    id="step-path",
    section="surface",
    title="The path, step by step",
    reading=(
        "Left, how far each step moves the shared weights. Right, how much of its "
        "direction the next step keeps: 1 is straight ahead; the dotted line is the "
        "momentum, which steps of pure noise would reach as well, so only what lies "
        "above it is a direct path."
    ),
    draw=_draw,
)
